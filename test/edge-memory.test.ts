// What the edge tier takes of memory, on the real backbone: a Worker has 128 MB, which workerd on this machine does not
// hold it to. Skipped where the backbone was not pulled.
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Backbone, parseBackbone } from "#model";
import { createClassifier, writeEdgeBackbone } from "#model/runtime";
import { createRegistry, openObjectStore, parseTenantId, putBackbone } from "#registry";
import { type InspectedWorker, startInspectedWorker } from "./helpers/local-worker.ts";
import { publishAdapterOn } from "./helpers/publish-adapter.ts";
import { defaultBackbone } from "./helpers/pulled-backbone.ts";
import { makeRandomAdapter } from "./helpers/random-adapter.ts";

const HEAP_BYTES_MAX = 100_000_000;
const BATCH = 8;
/** Special tokens included, these make 128: each word is one token. */
const WORDS = 126;
/** Sums of float32 in another order move a state over the edge of a rounding now and then. */
const SCORE_TOLERANCE = 0.01;

const tenant = parseTenantId("alpha");
const texts = Array.from({ length: BATCH }, (_, text) =>
  Array.from(
    { length: WORDS },
    (_, at) => ["order", "late", "please", "my", "when"][(at * 3 + text) % 5],
  ).join(" "),
);

describe.skipIf(!defaultBackbone.isThere)("on the default backbone", () => {
  let backbone: Backbone;
  let worker: InspectedWorker;

  beforeAll(async () => {
    const files = defaultBackbone.read();
    backbone = parseBackbone("sentence-transformers/all-MiniLM-L6-v2", files);
    worker = await startInspectedWorker("infra/edge/wrangler.jsonc", {
      overrides: { main: new URL("./helpers/edge-probe.ts", import.meta.url).pathname },
    });
    return async () => worker.stop();
  }, 120_000);

  it("8 texts of 128 tokens stay within 100 MB, and have the scores of int8 in Node", async () => {
    const store = await openObjectStore(worker.storeUrl);
    onTestFinished(() => store.close());
    const registry = createRegistry({ store });
    await putBackbone(store, await writeEdgeBackbone(backbone, defaultBackbone.read()));
    const adapter = makeRandomAdapter({
      ...{ width: backbone.config.width, seed: 3, classes: 4, scaleShift: [2] },
      generators: [{ layer: 1, pooling: "mean", promptTokens: 8, bottleneck: 32 }],
    });
    // Logits of the size that a trained head gives: made-up ones of so many features are eight times as large.
    adapter.head.weight_CD.forEach((weight, at) => {
      adapter.head.weight_CD[at] = weight / 8;
    });
    await publishAdapterOn(backbone, registry, { tenant, name: "router", adapter });
    const { secret } = await registry.createKey(tenant, "test");
    const response = await fetch(new URL("/v1/classify", worker.url), {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify({ adapterId: "router", inputs: texts }),
    });
    expect(response.status).toBe(200);
    const usage = await worker.heapUsage();
    const { wasmBytes } = (await (await fetch(new URL("/heap", worker.url))).json()) as { wasmBytes: number };
    const heapBytes = usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize + wasmBytes;
    expect(wasmBytes).toBeGreaterThan(10_000_000);
    expect(heapBytes).toBeLessThan(HEAP_BYTES_MAX);

    const node = await createClassifier(backbone, { threads: 1, sessions: 1, precision: "int8" });
    onTestFinished(() => node.close());
    const expected = await node.classify({ tenant, digest: "a", load: async () => adapter }, texts);
    const { predictions } = (await response.json()) as {
      predictions: { scores: { label: string; score: number }[] }[];
    };
    for (const [text, { scores }] of predictions.entries()) {
      for (const { label, score } of scores) {
        const inNode = expected[text]?.scores_C[adapter.labels.indexOf(label)] ?? Number.NaN;
        expect(Math.abs(score - inNode)).toBeLessThan(SCORE_TOLERANCE);
      }
    }
  }, 120_000);
});
