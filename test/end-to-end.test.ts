// The six steps over HTTP as a tenant takes them: real server, real child process, real encoder on a
// tiny made-up backbone, store in a folder. And what another tenant sees of it: nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRegistry, createSigner, createSigningKey, openObjectStore, parseTenantId } from "#registry";
import { type Api, createApi, type JobView } from "../cli/quickstart/api.ts";
import { type NodeServer, startNodeServer } from "../functions/entry-node.ts";
import { parseMarkup } from "./helpers/parse-markup.ts";
import { makeTickets } from "./helpers/tickets.ts";
import { writeTinyBackbone } from "./helpers/tiny-backbone.ts";

const TRAIN_MS_MAX = 120_000;
const signer = createSigner(createSigningKey().privatePem);

let folder: string;
let server: NodeServer;
let keys: { alpha: string; beta: string };
let alpha: Api;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  const backbone = join(folder, "tiny");
  await writeTinyBackbone(backbone, { layers: 3 });
  const storeUrl = `file:${join(folder, "store")}`;
  server = await startNodeServer({
    ...{ storeUrl, port: 0, metricsPort: 0, host: "127.0.0.1", backbone, signer },
    // To compare scores to the last digits.
    precision: "fp32",
  });
  keys = { alpha: await createKey(storeUrl, "alpha"), beta: await createKey(storeUrl, "beta") };
  alpha = createApi(server.url, keys.alpha);
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

async function createKey(storeUrl: string, tenant: string): Promise<string> {
  const store = await openObjectStore(storeUrl);
  const { secret } = await createRegistry({ store }).createKey(parseTenantId(tenant), "end-to-end test");
  await store.close();
  return secret;
}

describe("upload, dataset, train, publish, resolve, classify", () => {
  const train = makeTickets({ seed: 1, rowsPerLabel: 12 });
  let job: JobView;

  it(
    "a CSV becomes version 1 of an adapter",
    async () => {
      const dataset = await alpha.upload({ bytes: Buffer.from(train.csv), name: "tickets.csv" });
      expect(dataset).toMatchObject({ rows: train.rows.length, labels: train.labels });
      job = await finished(
        await alpha.train({ name: "tickets", datasetId: dataset.id, options: { seed: 7 } }),
      );
      expect(job).toMatchObject({
        state: "succeeded",
        progress: 1,
        adapter: { name: "tickets", version: 1 },
      });
      expect(job.report?.scaleShiftLayers).toEqual([0, 1, 2]);
    },
    TRAIN_MS_MAX,
  );

  it("it is listed, with the alias production and the key that the server signs with", async () => {
    expect(await (await get("/v1/adapters")).json()).toMatchObject({
      adapters: [{ name: "tickets", latestVersion: 1, aliases: { production: 1 } }],
    });
    const page = await get("/v1/adapters/tickets/versions");
    expect(await page.json()).toMatchObject({
      versions: [{ version: 1, digest: job.adapter?.digest, labels: train.labels, signedBy: signer.id }],
    });
  });

  it("its report can be read as JSON and as a page", async () => {
    const path = "/v1/adapters/tickets/versions/1/report";
    expect(await (await get(path)).json()).toMatchObject({
      ...{ name: "tickets", version: 1, digest: job.adapter?.digest },
      report: { classes: 3, heldOut: { from: "every_example_once" } },
    });
    const headers = { Authorization: `Bearer ${keys.alpha}`, Accept: "text/html" };
    const page = await fetch(`${server.url}${path}`, { headers });
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(parseMarkup(await page.text()).text).toContain("tickets:1");
  });

  it("texts it never saw get their labels, and each answer names what gave it", async () => {
    const test = makeTickets({ seed: 2, rowsPerLabel: 20 });
    const inputs = test.rows.map(({ text }) => text);
    const { version, digest, predictions } = await alpha.classify({ adapterId: "tickets", inputs });
    expect({ version, digest }).toEqual({ version: 1, digest: job.adapter?.digest });
    const hits = predictions.filter(({ label }, index) => label === test.rows[index]?.label);
    expect(hits.length / inputs.length).toBeGreaterThan(0.8);
  });

  it("the three forms of an adapter id give the same scores, alone or among others", async () => {
    const { rows } = makeTickets({ seed: 3, rowsPerLabel: 3 });
    const inputs = rows.map(({ text }) => text);
    const together = await alpha.classify({ adapterId: "tickets", inputs });
    for (const adapterId of ["tickets@production", "tickets:1"]) {
      const alone = await alpha.classify({ adapterId, inputs: inputs.slice(-1) });
      expect(alone.digest).toBe(together.digest);
      expect(alone.predictions[0]?.score).toBeCloseTo(together.predictions.at(-1)?.score ?? Number.NaN, 4);
    }
  });
});

it("metrics tell of texts, adapters and requests, on a port of their own", async () => {
  const body = await (await fetch(`${server.metricsUrl}/metrics`)).text();
  expect(body).toMatch(/^softgate_texts_total [1-9]/m);
  expect(body).toMatch(/^softgate_adapter_requests_total\{outcome="loaded"\} 1$/m);
  expect(body).toMatch(
    /^softgate_http_request_seconds_count\{route="\/v1\/classify",.*status="200"\} [1-9]/m,
  );
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
});

describe("another tenant", () => {
  it("gets for an adapter of the first the very answer of a missing one", async () => {
    const answers = ["tickets", "missing"].map(async (name) => {
      const body = { adapterId: name, inputs: ["hello"] };
      const classified = await send("POST", "/v1/classify", { key: keys.beta, body });
      const versions = await send("GET", `/v1/adapters/${name}/versions`, { key: keys.beta });
      const texts = await Promise.all([classified.text(), versions.text()]);
      return [classified.status, versions.status, ...texts.map((text) => text.replaceAll(name, "NAME"))];
    });
    const [theirs, missing] = await Promise.all(answers);
    expect(theirs).toEqual(missing);
    expect(theirs?.slice(0, 2)).toEqual([404, 404]);
  });

  it("sees none of the first's adapters, datasets and jobs", async () => {
    const beta = createApi(server.url, keys.beta);
    const list = await send("GET", "/v1/adapters", { key: keys.beta });
    expect(await list.json()).toMatchObject({ adapters: [] });
    const dataset = await alpha.upload({ bytes: Buffer.from(makeTickets({ seed: 4 }).csv), name: "a.csv" });
    await expect(beta.train({ name: "tickets", datasetId: dataset.id })).rejects.toMatchObject({
      code: "dataset_not_found",
    });
    await expect(beta.job("job-of-alpha")).rejects.toMatchObject({ code: "job_not_found" });
  });

  it("is nobody without a key", async () => {
    expect((await fetch(`${server.url}/v1/adapters`)).status).toBe(401);
    expect((await send("GET", "/v1/adapters", { key: `${keys.alpha}x` })).status).toBe(401);
  });
});

it("a dataset that cannot be learned from is refused with its row, and nothing is published", async () => {
  const bytes = Buffer.from("text,label\nhello,a\nbye,\n");
  await expect(alpha.upload({ bytes, name: "bad.csv" })).rejects.toMatchObject({
    code: "invalid_dataset",
    publicMessage: expect.stringContaining("bad.csv"),
  });
  expect(await (await get("/v1/adapters")).json()).toMatchObject({ adapters: [{ name: "tickets" }] });
});

async function finished(jobId: string): Promise<JobView> {
  return vi.waitUntil(
    async () => {
      const job = await alpha.job(jobId);
      if (job.state === "failed") throw new Error(`the job failed: ${job.error?.code} ${job.error?.message}`);
      return job.state === "succeeded" && job;
    },
    { timeout: TRAIN_MS_MAX, interval: 50 },
  );
}

const get = (path: string) => send("GET", path, { key: keys.alpha });

/** A fixed request id: without it no two problems are equal. */
function send(
  method: string,
  path: string,
  { key, body }: { key: string; body?: object },
): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "X-Request-Id": "r-1", "Content-Type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
}
