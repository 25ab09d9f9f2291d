import { execFile } from "node:child_process";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readLambdaEvent } from "../../test/helpers/lambda-event.ts";
import { publishTickets } from "../../test/helpers/published-tickets.ts";
import { defaultBackbone } from "../../test/helpers/pulled-backbone.ts";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { assembleFunction } from "./assemble.ts";
import { pullPrepared } from "./pull-prepared.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** e_machine of ELF. */
const MACHINE = { arm64: 0xb7, x64: 0x3e };
/** The function with the default backbone; Lambda takes 262 MB. */
const BYTES_MAX = 120_000_000;

let place: string;
let tiny: { backboneFolder: string; preparedFolder: string };
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "softgate-assemble-"));
  await writeTinyBackbone(join(place, "tiny"));
  tiny = await pullPrepared({ root, id: join(place, "tiny"), env: { SOFTGATE_CACHE: join(place, "cache") } });
});
afterAll(() => rm(place, { recursive: true }));

it.each(["arm64", "x64"] as const)(
  "for %s it has onnxruntime for that processor alone, and neither sources nor the backbone's own weights",
  async (architecture) => {
    const folder = join(place, architecture);
    const { files } = await assembleFunction({ architecture, folder, root, ...tiny });
    const paths = files.map(({ path }) => path);
    const native = paths.filter((path) => /\.(node|so[.\d]*)$/.test(path));
    expect(native).toEqual([
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${architecture}/libonnxruntime.so.1`,
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${architecture}/onnxruntime_binding.node`,
    ]);
    for (const path of native) expect(await machineOf(join(folder, path))).toBe(MACHINE[architecture]);
    expect(paths.filter((path) => /\.ts$|model\.safetensors$/.test(path))).toEqual([]);
    expect(paths).toContain(`backbones/tiny/serving-int8-linux-${architecture}/graph.onnx`);
  },
);

it.skipIf(!defaultBackbone.isThere)(
  "with the default backbone it stays far below what Lambda takes",
  async () => {
    const real = await pullPrepared({ root });
    const { bytes } = await assembleFunction({
      ...{ architecture: "arm64", folder: join(place, "real"), root },
      ...real,
    });
    expect(bytes).toBeGreaterThan(50_000_000);
    expect(bytes).toBeLessThan(BYTES_MAX);
  },
);

it.skipIf(process.platform !== "linux")("it runs from its folder alone", async () => {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const folder = join(place, "elsewhere");
  await assembleFunction({ architecture, folder, root, ...tiny });
  const storeUrl = `file:${join(place, "store")}`;
  const key = await publishTickets({ storeUrl, backboneFolder: join(place, "again") });
  const event = await readLambdaEvent("function-url", {
    key,
    body: '{"adapterId":"tickets","inputs":["a"]}',
  });
  const pages = ["/errors/unauthenticated", "/docs/scalar.js", "/openapi.json"];
  const script = `
    const { handler } = await import(${JSON.stringify(join(folder, "index.mjs"))});
    const event = JSON.parse(process.env.EVENT);
    const { statusCode, body } = await handler(event);
    const pages = {};
    for (const path of ${JSON.stringify(pages)}) {
      const http = { ...event.requestContext.http, method: "GET", path };
      const page = { ...event, rawPath: path, body: null, requestContext: { ...event.requestContext, http } };
      pages[path] = (await handler(page)).statusCode;
    }
    const answer = { statusCode, body: JSON.parse(body), pages };
    process.stdout.write("ANSWER " + JSON.stringify(answer) + "\\n", () => process.kill(process.pid, "SIGKILL"));
  `;
  await writeFile(join(place, "run.mjs"), script);
  // A function is ended without being asked.
  const { stdout } = await promisify(execFile)(process.execPath, [join(place, "run.mjs")], {
    cwd: folder,
    env: {
      SOFTGATE_CACHE: folder,
      SOFTGATE_BACKBONE: "tiny",
      SOFTGATE_STORE: storeUrl,
      EVENT: JSON.stringify(event),
    },
  }).catch((error: { stdout: string }) => error);
  const answer = JSON.parse(/ANSWER (.*)/.exec(stdout)?.[1] ?? "null");
  expect(answer).toMatchObject({ statusCode: 200, body: { predictions: [{ label: expect.any(String) }] } });
  expect(answer.pages).toEqual(Object.fromEntries(pages.map((path) => [path, 200])));
});

async function machineOf(path: string): Promise<number> {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
  await file.close();
  return buffer.readUInt16LE(18);
}
