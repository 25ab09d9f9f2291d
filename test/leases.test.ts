// Adapters that change while they are asked for: over HTTP, with the real registry and classifier, limits so
// tiny that every adapter drives another out, and loads that take their time.
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type Adapter, type Backbone, parseBackbone, serializeAdapter, shapeOfInsertion } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import { createRegistry, openObjectStore, parseAdapterName, parseTenantId, type Registry } from "#registry";
import { createApp } from "../functions/app.ts";
import { FakeJobs } from "../functions/test-app.ts";
import { makeRandomAdapter } from "./helpers/random-adapter.ts";
import { makeTinyBackbone } from "./helpers/tiny-backbone.ts";

const TEXTS = ["good order", "bad music hello", "hello ".repeat(40)];
const NAMES = ["router", "filter", "intents", "topics"].map(parseAdapterName);
const TENANT = parseTenantId("alpha");
const SEEDS = 6;
/** Room for one adapter. */
const CACHE_BYTES = 6_000;
const STEPS_MAX = 80;

let backbone: Backbone;
let reference: Classifier;
let adapters: readonly Adapter[];
beforeAll(async () => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ layers: 2 }));
  reference = await createClassifier(backbone, { threads: 1, precision: "fp32" });
  adapters = Array.from({ length: SEEDS }, (_, seed) => {
    const shape = { pooling: "mean", promptTokens: 1 + (seed % 3), bottleneck: 2 + seed } as const;
    const generators = [{ layer: seed % 2, ...shape }];
    const { width } = backbone.config;
    return makeRandomAdapter({ width, seed, classes: 3, generators, scaleShift: [(seed + 1) % 2] });
  });
});
afterAll(() => reference.close());

type Step =
  | { readonly do: "publish"; readonly name: number; readonly seed: number }
  | { readonly do: "rollback"; readonly name: number }
  | { readonly do: "remove"; readonly name: number }
  | { readonly do: "classify"; readonly name: number; readonly text: number }
  | { readonly do: "wait" };

type Change = Extract<Step, { do: "publish" | "rollback" | "remove" }>;

const name = fc.nat(NAMES.length - 1);
const steps = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant("publish"), name, seed: fc.nat(SEEDS - 1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("rollback", "remove"), name }) },
    {
      weight: 12,
      arbitrary: fc.record({ do: fc.constant("classify"), name, text: fc.nat(TEXTS.length - 1) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait") }) },
  ),
  { minLength: STEPS_MAX / 4, maxLength: STEPS_MAX },
) as fc.Arbitrary<Step[]>;

const answerSchema = z.object({
  digest: z.string().optional(),
  predictions: z
    .array(z.object({ scores: z.array(z.object({ label: z.string(), score: z.number() })) }))
    .optional(),
});

/** From before the change that made it current to after the one that ended that. */
interface Reign {
  readonly digest: string | undefined;
  readonly from: number;
  to: number;
}

it.each([0, CACHE_BYTES])(
  "whatever is published, rolled back, removed and evicted meanwhile, a request is answered by one version that was current, with its scores (%i bytes in memory)",
  async (adapterMemoryBytesMax) => {
    const limits = { adapterCacheBytesMax: CACHE_BYTES, adapterMemoryBytesMax };
    const classifier = await createClassifier(backbone, { threads: 1, precision: "fp32", ...limits });
    let answered = 0;
    try {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          answered += await play(all, classifier);
        }),
        { numRuns: 15 },
      );
    } finally {
      await classifier.close();
    }
    expect(answered).toBeGreaterThan(250);
    expect(classifier.cacheStats.bytes).toBeLessThanOrEqual(CACHE_BYTES);
  },
  60_000,
);

async function play(all: readonly Step[], classifier: Classifier): Promise<number> {
  const registry = createRegistry({ store: await openObjectStore("memory:") });
  const { secret } = await registry.createKey(TENANT, "test");
  const slow: Registry = {
    ...registry,
    readFiles: async (tenant, manifest) => {
      for (let turn = 0; turn < manifest.version % 4; turn++) await nextTurn();
      return registry.readFiles(tenant, manifest);
    },
  };
  const held = { id: backbone.id, digest: backbone.digest };
  const app = createApp({
    ...{ registry: slow, classifier, jobs: new FakeJobs(), backbone: held, log: () => undefined },
  });
  const reigns: Reign[][] = NAMES.map(() => [{ digest: undefined, from: 0, to: Number.POSITIVE_INFINITY }]);
  const seeds = new Map<string, number>();
  let clock = 0;
  const ask = async (at: number, text: string) => {
    const sent = ++clock;
    const response = await app.request("/v1/classify", {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify({ adapterId: NAMES[at], inputs: [text] }),
    });
    const { digest, predictions: [prediction] = [] } = answerSchema.parse(await response.json());
    return {
      at,
      text,
      sent,
      end: ++clock,
      status: response.status,
      digest,
      scores: prediction?.scores ?? [],
    };
  };
  const asked: ReturnType<typeof ask>[] = [];
  const first = NAMES.map((_, at): Step => ({ do: "publish", name: at, seed: at }));
  for (const step of [...first, ...all]) {
    if (step.do === "wait") await nextTurn();
    else if (step.do === "classify") asked.push(ask(step.name, TEXTS[step.text] ?? ""));
    else {
      const from = ++clock;
      const next: Reign = { digest: undefined, from, to: Number.POSITIVE_INFINITY };
      const own = reigns[step.name] ?? expect.unreachable();
      const made = await change(registry, step, seeds);
      const last = own.at(-1);
      if (last) last.to = ++clock;
      own.push({ ...next, digest: made });
    }
  }
  const answers = await Promise.all(asked);
  for (const { at, text, sent, end, status, digest, scores } of answers) {
    expect(status).toBe(digest === undefined ? 404 : 200);
    const wasCurrent = reigns[at]?.some((one) => one.digest === digest && one.from <= end && one.to >= sent);
    expect(wasCurrent, `${digest} was current from ${sent} to ${end}`).toBe(true);
    if (digest !== undefined) await expectScores(scores, seeds.get(digest), text);
  }
  return answers.filter(({ digest }) => digest !== undefined).length;
}

/** The digest that is current afterwards. */
async function change(
  registry: Registry,
  step: Change,
  seeds: Map<string, number>,
): Promise<string | undefined> {
  const own = NAMES[step.name] ?? expect.unreachable();
  const current = () =>
    registry.resolve(TENANT, { name: own, alias: "production" }).then(
      ({ digest }) => digest,
      () => undefined,
    );
  if (step.do === "remove") {
    await registry
      .restoreAdapter(TENANT, own)
      .catch(() => registry.deleteAdapter(TENANT, own).catch(() => undefined));
  } else if (step.do === "rollback") {
    await registry.rollback(TENANT, own, { alias: "production" }).catch(() => undefined);
  } else {
    await publish(registry, own, step.seed, seeds).catch((error) =>
      expect(error.code).toBe("adapter_deleted"),
    );
  }
  return current();
}

async function publish(
  registry: Registry,
  own: (typeof NAMES)[number],
  seed: number,
  seeds: Map<string, number>,
): Promise<void> {
  const adapter = adapters[seed] ?? expect.unreachable();
  const { id, digest, config } = backbone;
  const published = registry.publish(TENANT, {
    name: own,
    files: serializeAdapter(adapter, backbone),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id, digest, width: config.width },
      labels: [...adapter.labels],
      insertions: adapter.insertions.map(shapeOfInsertion),
      temperature: adapter.temperature,
      // Tells two versions of the same weights apart.
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 1 + seed },
      report: {},
    },
  });
  seeds.set((await published).digest, seed);
}

/** To what rounding to F16 and another batch may move them. */
async function expectScores(
  scores: readonly { label: string; score: number }[],
  seed: number | undefined,
  text: string,
): Promise<void> {
  const adapter = adapters[seed ?? -1] ?? expect.unreachable();
  const digest = `seed ${seed}`;
  const [expected] = await reference.classify({ tenant: "reference", digest, load: async () => adapter }, [
    text,
  ]);
  for (const { label, score } of scores) {
    const index = expected?.labels.indexOf(label) ?? -1;
    expect(Math.abs(score - (expected?.scores_C[index] ?? Number.NaN))).toBeLessThan(0.01);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
