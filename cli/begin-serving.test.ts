import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { preparedAs, WEIGHTS_FILE } from "#model/runtime/begin";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

let cache: string;
let serve: string[];
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "softgate-begin-"));
  env = { ...process.env, SOFTGATE_CACHE: join(cache, "cache") };
  await writeTinyBackbone(join(cache, "tiny"), { layers: 2 });
  const pull = ["backbone", "pull", join(cache, "tiny"), "--prepare", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...pull], { env });
  expect(JSON.parse(stdout)).toMatchObject({ id: "tiny", prepared: expect.stringContaining("serving-int8") });
  serve = ["serve", "--backbone", "tiny", "--threads", "1", "--store", `file:${join(cache, "store")}`];
});
afterAll(() => rm(cache, { recursive: true, force: true }));

/** Until it ends by itself, or else once it listens. */
async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...serve, ...args], { env });
  let output = "";
  let isTold = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("Serving on") && !isTold) isTold = child.kill("SIGTERM");
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}

it("a server takes the session that was begun for it, in the precision asked for or another", async () => {
  for (const precision of ["int8", "fp32", "fp32"]) {
    const { code, output } = await run("--port", "0", "--precision", precision);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('"event":"stopped"') });
    expect(output).toContain(`"precision":"${precision}"`);
  }
}, 30_000);

it("a server whose prepared weights were damaged says so, and prepares them again", async () => {
  const weights = join(cache, "cache", "backbones", "tiny", preparedAs("int8").key, WEIGHTS_FILE);
  const bytes = await readFile(weights);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(weights, bytes);
  const { code, output } = await run("--port", "0");
  expect({ code, output }).toMatchObject({
    code: 0,
    output: expect.stringContaining("prepared_backbone_damaged"),
  });
  expect((await run("--port", "0")).output).not.toContain("prepared_backbone_damaged");
}, 30_000);

it.each([
  ["--port", "99999"],
  ["--port", "0", "--store", "nonsense"],
])("a server that is refused (%s %s) ends with its own exit code, whatever was begun", async (...args) => {
  expect(await run(...args)).toMatchObject({ code: 2, output: expect.stringMatching(/^error: /m) });
});
