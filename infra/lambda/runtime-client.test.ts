// The assembled function under AWS's own runtime client, which is what drives it in Lambda. Run where that was built:
// infra/bootstrap/lambda-runtime-client.mjs says how.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readLambdaEvent } from "../../test/helpers/lambda-event.ts";
import { findLambdaRuntimeClient, startLambdaFunction } from "../../test/helpers/lambda-runtime-api.ts";
import { publishTickets } from "../../test/helpers/published-tickets.ts";
import { writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { assembleFunction } from "./assemble.ts";
import { pullPrepared } from "./pull-prepared.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const BUILD_MS_MAX = 900_000;
const BODY = JSON.stringify({ adapterId: "tickets", inputs: ["my card was charged twice"] });
const program = await findLambdaRuntimeClient();

describe.skipIf(program === undefined)("under AWS's runtime client", () => {
  let place: string;
  let folder: string;
  let key: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "softgate-runtime-"));
    folder = join(place, "function");
    await writeTinyBackbone(join(place, "tiny"));
    const prepared = await pullPrepared({
      root,
      id: join(place, "tiny"),
      env: { SOFTGATE_CACHE: join(place, "cache") },
    });
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    await assembleFunction({ architecture, folder, root, ...prepared });
    const storeUrl = `file:${join(place, "store")}`;
    key = await publishTickets({ storeUrl, backboneFolder: join(place, "again") });
    env = { SOFTGATE_CACHE: folder, SOFTGATE_BACKBONE: "tiny", SOFTGATE_STORE: storeUrl };
  }, BUILD_MS_MAX);
  afterAll(() => rm(place, { recursive: true, force: true }));

  const start = async (handler: string, more: Record<string, string> = {}) => {
    const started = await startLambdaFunction({
      ...{ program: program ?? "", folder, handler },
      env: { ...env, ...more },
    });
    onTestFinished(() => started.stop());
    return started;
  };

  it("events are answered one after another by one process", async () => {
    const { invoke } = await start("index.handler");
    for (const name of ["function-url", "http-api", "rest-api"] as const) {
      const { kind, isStreamed, chunks } = await invoke(await readLambdaEvent(name, { key, body: BODY }));
      expect({ kind, isStreamed }).toEqual({ kind: "response", isStreamed: false });
      const { statusCode, body } = JSON.parse(Buffer.concat(chunks).toString());
      expect(statusCode).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ version: 1, predictions: [{ label: expect.any(String) }] });
    }
  });

  it("streamed: status and headers first, then the body", async () => {
    const { invoke } = await start("index.streamHandler");
    const event = await readLambdaEvent("function-url", { key, body: BODY });
    const { kind, contentType, isStreamed, chunks } = await invoke(event);
    expect({ kind, contentType, isStreamed }).toEqual({
      kind: "response",
      contentType: "application/vnd.awslambda.http-integration-response",
      isStreamed: true,
    });
    const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\0".repeat(8));
    expect(JSON.parse(head)).toMatchObject({
      statusCode: 200,
      headers: { "content-type": "application/json" },
    });
    expect(JSON.parse(body)).toMatchObject({ adapterId: "tickets", version: 1 });
    const refused = await invoke(await readLambdaEvent("function-url", { key: "sg_wrong", body: BODY }));
    expect(Buffer.concat(refused.chunks).toString()).toMatch(
      /^\{"statusCode":401,.*"code":"unauthenticated"/s,
    );
  });

  it("lines of NDJSON are answered as lines, in more than one piece", async () => {
    const { invoke } = await start("index.streamHandler");
    const texts = Array.from({ length: 2_000 }, (_, id) => JSON.stringify({ id, text: `message ${id}` }));
    const event = await readLambdaEvent("function-url", { key, body: `${texts.join("\n")}\n` });
    const headers = { ...event.headers, "content-type": "application/x-ndjson" };
    const { isStreamed, chunks } = await invoke({ ...event, headers, rawQueryString: "adapterId=tickets" });
    const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\0".repeat(8));
    expect(JSON.parse(head)).toMatchObject({
      statusCode: 200,
      headers: { "content-type": "application/x-ndjson" },
    });
    const answers = body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers.filter(({ label, prediction }) => label ?? prediction)).toHaveLength(texts.length);
    expect(isStreamed).toBe(true);
    expect(chunks.length).toBeGreaterThan(2);
  });

  it("a start that fails tells Lambda which variable to set", async () => {
    const { startFailed } = await start("index.handler", { SOFTGATE_STORE: "" });
    expect((await startFailed).errorMessage).toContain("Set SOFTGATE_STORE");
  });

  it("a store that cannot be had is told with what to set", async () => {
    const { startFailed } = await start("index.handler", {
      SOFTGATE_STORE: "s3://adapters?endpoint=http://127.0.0.1:9",
      AWS_ACCESS_KEY_ID: "any",
      AWS_SECRET_ACCESS_KEY: "any",
    });
    expect((await startFailed).errorMessage).toMatch(/does not answer .*endpoint= in the store's URL/);
  });
});
