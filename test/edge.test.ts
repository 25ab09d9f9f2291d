// The edge tier in workerd itself, on a tiny made-up backbone: what a tenant sees of it, and that its scores are those of
// a classifier in Node.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Adapter, parseBackbone } from "#model";
import { type Classifier, createClassifier, writeEdgeBackbone } from "#model/runtime";
import {
  createRegistry,
  type ObjectStore,
  openObjectStore,
  parseTenantId,
  putBackbone,
  type Registry,
} from "#registry";
import { type LocalWorker, startLocalWorker } from "./helpers/local-worker.ts";
import { publishAdapterOn } from "./helpers/publish-adapter.ts";
import { makeRandomAdapter } from "./helpers/random-adapter.ts";
import { makeTickets } from "./helpers/tickets.ts";
import { makeTinyBackbone } from "./helpers/tiny-backbone.ts";

const LAYERS = 3;
const ADAPTERS = 5;
/** Words are half floats here, and sums of float32 in another order: states are rounded the other way now and then. */
const SCORE_TOLERANCE = 0.02;
const TEXTS = ["good morning", "the invoice is late again", "no", "please refund my order of last week"];

const source = makeTinyBackbone({ layers: LAYERS });
const backbone = parseBackbone("owner/tiny", source);
const tenants = ["alpha", "beta"].map(parseTenantId);
const adapters = Array.from({ length: ADAPTERS }, (_, seed) => anAdapter(seed));

let worker: LocalWorker;
let store: ObjectStore;
let registry: Registry;
let node: Classifier;
const keys: string[] = [];

beforeAll(async () => {
  worker = await startLocalWorker("infra/edge/wrangler.jsonc", { vars: { BACKBONE: backbone.id } });
  store = await openObjectStore(worker.storeUrl);
  registry = createRegistry({ store });
  for (const tenant of tenants) keys.push((await registry.createKey(tenant, "test")).secret);
  const publish = (adapter: Adapter, index: number) =>
    publishAdapterOn(backbone, registry, { tenant: tenantOf(index), name: `adapter-${index}`, adapter });
  await Promise.all(adapters.map(publish));
  node = await createClassifier(backbone, { threads: 1, sessions: 1, precision: "int8" });
});
afterAll(async () => {
  await node?.close();
  await store?.close();
  await worker?.stop();
});

/** Different layers and kinds of insertions, lengths and classes. */
function anAdapter(seed: number): Adapter {
  const generators = [seed % LAYERS].map((layer) => ({
    layer,
    pooling: seed % 2 === 0 ? ("mean" as const) : ("slots" as const),
    promptTokens: 1 + (seed % 4),
    bottleneck: 2 + seed,
  }));
  const scaleShift = seed % 2 === 0 ? [(seed + 1) % LAYERS] : [];
  return makeRandomAdapter({ width: backbone.config.width, seed, classes: 2 + seed, generators, scaleShift });
}

const tenantOf = (index: number) => tenants[index % tenants.length] ?? expect.unreachable();

function send(
  path: string,
  { body, key = keys[0] }: { body?: unknown; key?: string | undefined | "none" } = {},
) {
  return worker.harness.fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(key !== "none" && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function classify(index: number, inputs: readonly string[] = TEXTS): Promise<number[][]> {
  const response = await send("/v1/classify", {
    key: keys[index % tenants.length],
    body: { adapterId: `adapter-${index}`, inputs },
  });
  const { predictions } = (await response.json()) as {
    predictions: { scores: { label: string; score: number }[] }[];
  };
  const labels = adapters[index]?.labels ?? [];
  return predictions.map(({ scores }) =>
    labels.map((label) => scores.find((one) => one.label === label)?.score ?? Number.NaN),
  );
}

describe("before the backbone is in the bucket", () => {
  it("a request fails with the reason in the log, and the next one finds it once it is there", async () => {
    const response = await send("/v1/adapters");
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: "backbone_not_found" });
    const logged = worker.harness.getLogs().map(({ message }) => message);
    expect(logged.join("\n")).toContain("softgate backbone put owner/tiny --store URL");
    await putBackbone(store, await writeEdgeBackbone(backbone, source));
    expect((await send("/v1/adapters")).status).toBe(200);
  });
});

describe("classification", () => {
  it("adapters of two tenants in requests at once have the scores of a classifier in Node", async () => {
    const answers = await Promise.all(adapters.map((_, index) => classify(index)));
    for (const [index, answer] of answers.entries()) {
      const expected = await node.classify(
        { tenant: "any", digest: `${index}`, load: async () => adapters[index] ?? expect.unreachable() },
        TEXTS,
      );
      for (const [text, scores] of answer.entries()) {
        const inNode = [...(expected[text]?.scores_C ?? [])];
        for (const [label, score] of scores.entries()) {
          expect(Math.abs(score - (inNode[label] ?? Number.NaN))).toBeLessThan(SCORE_TOLERANCE);
        }
      }
    }
  });

  it("a request whose client leaves ends no other's", async () => {
    const leaving = new AbortController();
    const left = send("/v1/classify", { body: { adapterId: "adapter-0", inputs: TEXTS } });
    const url = new URL("/v1/classify", worker.url);
    const aborted = fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${keys[0]}`, "Content-Type": "application/json" },
      body: JSON.stringify({ adapterId: "adapter-0", inputs: Array(64).fill("a text of one who leaves") }),
      signal: leaving.signal,
    });
    aborted.catch(() => undefined);
    leaving.abort();
    expect((await left).status).toBe(200);
    expect(await classify(1)).toHaveLength(TEXTS.length);
  });
});

describe("errors", () => {
  it("a training is refused with what to do instead", async () => {
    const upload = await worker.harness.fetch("/v1/datasets", {
      method: "POST",
      headers: { Authorization: `Bearer ${keys[0]}`, "Content-Type": "text/csv" },
      body: makeTickets({ seed: 1, rowsPerLabel: 12 }).csv,
    });
    const { id: datasetId } = (await upload.json()) as { id: string };
    const response = await send("/v1/adapters", { body: { name: "new", datasetId } });
    expect([response.status, await response.json()]).toMatchObject([409, { code: "trainer_absent" }]);
  });

  it("another tenant's adapter is answered as one that never was", async () => {
    const ask = async (adapterId: string) => {
      const response = await send("/v1/classify", { key: keys[0], body: { adapterId, inputs: ["a"] } });
      const { requestId, ...problem } = (await response.json()) as Record<string, unknown>;
      return [response.status, { ...problem, detail: String(problem.detail).replace(adapterId, "NAME") }];
    };
    expect(await ask("adapter-1")).toEqual(await ask("adapter-x"));
  });

  it("a body that is larger than memory allows here is 413", async () => {
    const response = await worker.harness.fetch("/v1/datasets", {
      method: "POST",
      headers: { Authorization: `Bearer ${keys[0]}`, "Content-Type": "text/csv" },
      body: new Uint8Array(5 * 1024 * 1024),
    });
    expect(response.status).toBe(413);
  });

  it("a key that is revoked is refused, and one that is none", async () => {
    expect((await send("/v1/adapters", { key: "sg_none" })).status).toBe(401);
    expect((await send("/v1/adapters", { key: "none" })).status).toBe(401);
  });
});

describe("a setting that is wrong", () => {
  it("fails the start, in a sentence that names it", async () => {
    const start = startLocalWorker("infra/edge/wrangler.jsonc", { vars: { BACKBONE: "no id at all" } });
    await expect(start).rejects.toThrow("BACKBONE: name the backbone in the bucket");
  });
});
