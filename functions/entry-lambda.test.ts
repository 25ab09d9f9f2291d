// Events as AWS sends them (test/fixtures/lambda), given to the function's own entry. AWS's runtime client drives the
// package itself in infra/lambda/runtime-client.test.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { LAMBDA_EVENTS, readLambdaEvent } from "../test/helpers/lambda-event.ts";
import { publishTickets } from "../test/helpers/published-tickets.ts";

const BODY = JSON.stringify({ adapterId: "tickets", inputs: ["my card was charged twice"] });

let folder: string;
let key: string;
let handler: typeof import("./entry-lambda.ts")["handler"];
const lines: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-lambda-"));
  const storeUrl = `file:${join(folder, "store")}`;
  key = await publishTickets({ storeUrl, backboneFolder: join(folder, "tiny") });
  process.env.SOFTGATE_STORE = storeUrl;
  process.env.SOFTGATE_BACKBONE = join(folder, "tiny");
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  keepLines();
  ({ handler } = await import("./entry-lambda.ts"));
});
beforeEach(keepLines);
afterAll(() => rm(folder, { recursive: true }));

function keepLines(): void {
  vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
}

function eventOf(name: (typeof LAMBDA_EVENTS)[number], { secret = key, body = BODY } = {}) {
  return readLambdaEvent(name, { key: secret, body });
}

async function invoke(event: LambdaEvent) {
  const result = await handler(event, {} as LambdaContext); // Nothing of it is read.
  // To REST APIs and load balancers a header may be given several times.
  const several: Record<string, readonly string[]> = result.multiValueHeaders ?? {};
  const single = Object.entries(several).map(([name, values]) => [name, values[0]]);
  const headers = { ...result.headers, ...Object.fromEntries(single) };
  return { ...result, headers, json: JSON.parse(result.body) };
}

it.each(LAMBDA_EVENTS)("%s: a classification is answered as over HTTP", async (name) => {
  const { statusCode, isBase64Encoded, json, ...rest } = await invoke(await eventOf(name));
  expect({ statusCode, isBase64Encoded }).toEqual({ statusCode: 200, isBase64Encoded: false });
  expect(json).toMatchObject({
    adapterId: "tickets",
    version: 1,
    predictions: [{ label: expect.any(String) }],
  });
  expect(rest.headers).toMatchObject({ "softgate-adapter-digest": json.digest });
});

it.each(LAMBDA_EVENTS)("%s: a refusal is a problem document, and no error of the function", async (name) => {
  const refused = await invoke(await eventOf(name, { secret: "sg_wrong" }));
  expect(refused).toMatchObject({ statusCode: 401, json: { code: "unauthenticated" } });
  const wrong = await invoke(await eventOf(name, { body: "{" }));
  expect(wrong).toMatchObject({
    statusCode: 400,
    headers: { "content-type": "application/problem+json" },
    json: { code: "invalid_request" },
  });
});

it("nobody trains in a function: a training is refused with where it can be had", async () => {
  const rows = Array.from({ length: 8 }, (_, index) => `text ${index},${index % 2 ? "odd" : "even"}\n`);
  const upload = await eventOf("load-balancer", { body: `text,label\n${rows.join("")}` });
  const headers = { ...upload.headers, "content-type": "text/csv" };
  const { json: dataset } = await invoke({ ...upload, headers, path: "/v1/datasets" } as LambdaEvent);
  const event = await eventOf("load-balancer", {
    body: JSON.stringify({ name: "more", datasetId: dataset.id }),
  });
  const answer = await invoke({ ...event, path: "/v1/adapters" } as LambdaEvent);
  expect([answer.statusCode, answer.json.code]).toEqual([409, "trainer_absent"]);
});

it("the start is told in one line, with store and backbone", () => {
  const started = lines.map((line) => JSON.parse(line)).find(({ event }) => event === "started");
  expect(started).toMatchObject({ store: expect.stringContaining("store"), precision: "int8" });
});
