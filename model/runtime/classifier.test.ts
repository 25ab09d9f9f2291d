import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone, type TinyFamily } from "../../test/helpers/tiny-backbone.ts";
import { TINY_WORDS } from "../../test/helpers/tiny-tokenizer.ts";
import { type Backbone, parseBackbone } from "../backbone.ts";
import type { Precision } from "../encoder/linear.ts";
import { ModelError } from "../errors.ts";
import type { Adapter } from "../spt/adapter.ts";
import { FAILURE_MS_MIN } from "./adapter-cache.ts";
import { type Classifier, TENANT_QUEUED_TEXTS_MAX } from "./classifier.ts";
import { createClassifier } from "./create-classifier.ts";
import { CLASSIFY_MS_MAX } from "./limits.ts";
import type { RequestObserver } from "./observer.ts";

const LAYERS = 3;
const ADAPTERS = 6;

let backbone: Backbone;
let classifier: Classifier;
let adapters: readonly Adapter[];

beforeAll(async () => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ family: "bert", layers: LAYERS }));
  classifier = await createClassifier(backbone, { threads: 1, precision: "fp32" });
  adapters = Array.from({ length: ADAPTERS }, (_, seed) => anAdapter(seed));
});
afterAll(() => classifier.close());

/** Different layers and kinds of insertions, poolings, prompt lengths, class counts; the first has no prompts. */
function anAdapter(seed: number): Adapter {
  const generators = Array.from({ length: LAYERS }, (_, layer) => ({
    layer,
    pooling: (seed + layer) % 2 === 0 ? ("mean" as const) : ("slots" as const),
    promptTokens: 1 + ((seed + 2 * layer) % 4),
    bottleneck: 2 + seed,
  })).filter(({ layer }) => seed % 2 ** (layer + 1) >= 2 ** layer);
  const scaleShift = [0, 1, 2].filter((layer) => (seed + layer) % 3 === 1);
  const lowRank = [0, 1, 2]
    .filter((layer) => (seed + layer) % 3 === 0)
    .map((layer) => ({ layer, rank: 1 + ((seed + layer) % 9) }));
  const { width } = backbone.config;
  return makeRandomAdapter({ width, seed, classes: 2 + seed, generators, scaleShift, lowRank });
}

/** Of a backbone with those adapters' width and layers. */
async function openClassifier(
  family: TinyFamily,
  precision: Precision,
  { maskHead = false } = {},
): Promise<Classifier> {
  const other = parseBackbone("tiny", makeTinyBackbone({ family, layers: LAYERS, maskHead }));
  const opened = await createClassifier(other, { threads: 1, precision });
  onTestFinished(() => opened.close());
  return opened;
}

const handle = (index: number) => ({
  tenant: `tenant ${index}`,
  digest: `adapter ${index}`,
  load: async () => adapters[index] ?? expect.unreachable(),
});

const texts = fc
  .array(fc.constantFrom(...TINY_WORDS), { minLength: 0, maxLength: 40 })
  .map((words) => words.join(" "));

/** Of the tiny backbone's adapters, in random mixes. */
async function expectSameMixed(by: Classifier, tolerance: number): Promise<void> {
  const requests = fc.array(fc.tuple(fc.nat(ADAPTERS - 1), texts), { minLength: 2, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(requests, async (items) => {
      const mixed = await Promise.all(items.map(([index, text]) => by.classify(handle(index), [text])));
      for (const [at, [index, text]] of items.entries()) {
        const [alone] = await by.classify(handle(index), [text]);
        const together = mixed[at]?.[0];
        expect(together?.scores_C.length).toBe(2 + index);
        expect(largestDifference(alone?.scores_C, together?.scores_C)).toBeLessThan(tolerance);
      }
    }),
    { numRuns: 25 },
  );
}

describe("a text", () => {
  test("is out of scope where its largest logit is below the threshold, and never without one", async () => {
    const [adapter] = adapters;
    if (!adapter) return expect.unreachable();
    // Of two classes the logits are the log-odds of the scores, halved around their mean: here one class has none.
    const { width } = backbone.config;
    const weight_CD = adapter.head.weight_CD.map((weight, at) => (at < width ? weight : 0));
    const bare = { ...adapter, temperature: 2, head: { weight_CD, bias_C: Float32Array.of(0.5, 0) } };
    const classify = async (outOfScope: Adapter["outOfScope"], digest: string) => {
      const load = async () => (outOfScope ? { ...bare, outOfScope } : bare);
      const [result] = await classifier.classify({ tenant: "a", digest, load }, [TINY_WORDS[3] ?? ""]);
      return result ?? expect.unreachable();
    };
    const { scores_C, outOfScope } = await classify(undefined, "none");
    expect(outOfScope).toBe(false);
    const [own = 0, other = 0] = scores_C;
    const largest = Math.max(0, 2 * Math.log(own / other));
    const at = async (below: number) =>
      (await classify({ score: "max_logit", below }, `at ${below}`)).outOfScope;
    expect(await at(largest + 0.001)).toBe(true);
    expect(await at(largest - 0.001)).toBe(false);
    const marked = await classify({ score: "max_logit", below: largest + 1 }, "marked");
    expect(marked.scores_C).toEqual(scores_C);
  });
});

describe("a text's scores", () => {
  // In int8 a last bit that differed would move a state to the next of 255 steps, and scores by a thousandth.
  test.each([
    { family: "bert", precision: "fp32", tolerance: 1e-4 },
    { family: "mpnet", precision: "fp32", tolerance: 1e-4 },
    { family: "bert", precision: "int8", tolerance: 1e-6 },
    { family: "mpnet", precision: "int8", tolerance: 1e-6 },
  ] as const)(
    "alone and in any mixed batch on $family in $precision differ by less than $tolerance",
    async ({ family, precision, tolerance }) => {
      const opened = await openClassifier(family, precision);
      expect(opened.precision).toBe(precision);
      await expectSameMixed(opened, tolerance);
    },
  );

  test("in int8 are near those in fp32", async () => {
    const coarse = await openClassifier("bert", "int8");
    for (const index of adapters.keys()) {
      const [exact] = await classifier.classify(handle(index), ["good order bad music"]);
      const [rounded] = await coarse.classify(handle(index), ["good order bad music"]);
      expect(largestDifference(exact?.scores_C, rounded?.scores_C)).toBeLessThan(0.02);
      expect(largestDifference(exact?.scores_C, rounded?.scores_C)).toBeGreaterThan(0);
    }
  });

  test("sum to one", async () => {
    const [result] = await classifier.classify(handle(3), ["good order"]);
    expect(result?.scores_C.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 5);
  });

  test.each(["prompt_generator", "scale_shift"])("change with each insertion of kind %s", async (kind) => {
    const whole = adapters[5] ?? expect.unreachable();
    expect(whole.insertions.some((one) => one.kind === kind)).toBe(true);
    const [all] = await classifier.classify(handle(5), ["good order"]);
    for (const left of whole.insertions.filter((one) => one.kind === kind)) {
      const insertions = whole.insertions.filter((one) => one !== left);
      const digest = `without ${kind} ${left.layer}`;
      const part = { tenant: "a", digest, load: async () => ({ ...whole, insertions }) };
      const [without] = await classifier.classify(part, ["good order"]);
      expect(largestDifference(all?.scores_C, without?.scores_C)).toBeGreaterThan(1e-4);
    }
  });
});

describe("an adapter of dual pairs", () => {
  const dual = {
    tenant: "a",
    digest: "dual",
    load: async (): Promise<Adapter> => {
      const { width } = backbone.config;
      const options = {
        width,
        seed: 3,
        generators: [],
        scaleShift: [0, 2],
        lowRank: [{ layer: 1, rank: 3 }],
      };
      const wide = makeRandomAdapter({ ...options, classes: 2 });
      const weight_CD = Float32Array.from({ length: 2 * (2 * width + 1) }, (_, at) => Math.sin(at));
      return { ...wide, pairMode: "dual", head: { weight_CD, bias_C: Float32Array.of(0.1, -0.1) } };
    },
  };

  test("reads each text alone: the same whichever comes first, alone or among others", async () => {
    const [text, textPair] = ["good order", "bad music hello"];
    const [alone] = await classifier.classify(dual, [{ text, textPair }]);
    const [turned] = await classifier.classify(dual, [{ text: textPair, textPair: text }]);
    const [mixed] = await Promise.all([
      classifier.classify(dual, [{ text, textPair }]),
      classifier.classify(handle(4), ["hello order", "good"]),
    ]);
    expect(largestDifference(alone?.scores_C, turned?.scores_C)).toBeLessThan(1e-5);
    expect(largestDifference(alone?.scores_C, mixed[0]?.scores_C)).toBeLessThan(1e-4);
    const [other] = await classifier.classify(dual, [{ text, textPair: "hello" }]);
    expect(largestDifference(alone?.scores_C, other?.scores_C)).toBeGreaterThan(1e-4);
  });

  test("refuses a single text, and says what to give", async () => {
    const refused = classifier.classify(dual, [{ text: "a", textPair: "b" }, "good order"]);
    await expect(refused).rejects.toMatchObject({ code: "pair_required" });
    await expect(refused).rejects.toThrow("text and textPair");
  });
});

describe("adapters of a backbone that is read at the mask", () => {
  const TEMPLATES = ["{text} It was {mask} .", "{mask} : {text}", "{text} ? {mask} , {text_pair}"];
  let masked: Classifier;

  beforeAll(async () => {
    const files = makeTinyBackbone({ layers: LAYERS, maskHead: true });
    masked = await createClassifier(parseBackbone("tiny", files), { threads: 1, precision: "fp32" });
  });
  afterAll(() => masked.close());

  const templated = (index: number) => ({
    tenant: `tenant ${index}`,
    digest: `templated ${index}`,
    load: async () => ({
      ...(adapters[index] ?? expect.unreachable()),
      template: TEMPLATES[index % TEMPLATES.length] ?? "",
    }),
  });

  const inputOf = (index: number, text: string, textPair: string) =>
    index % TEMPLATES.length === 2 ? { text, textPair } : text;

  test.each([
    { family: "bert", precision: "fp32", tolerance: 1e-4 },
    { family: "mpnet", precision: "fp32", tolerance: 1e-4 },
    { family: "bert", precision: "int8", tolerance: 1e-6 },
  ] as const)(
    "have scores that depend on the batch by less than $tolerance, whatever templates, prompts and scales it has, on $family in $precision",
    async ({ family, precision, tolerance }) => {
      const by = await openClassifier(family, precision, { maskHead: true });
      const requests = fc.array(fc.tuple(fc.nat(ADAPTERS - 1), texts, texts), {
        minLength: 2,
        maxLength: 16,
      });
      await fc.assert(
        fc.asyncProperty(requests, async (items) => {
          const mixed = await Promise.all(
            items.map(([index, ...pair]) => by.classify(templated(index), [inputOf(index, ...pair)])),
          );
          for (const [at, [index, ...pair]] of items.entries()) {
            const [alone] = await by.classify(templated(index), [inputOf(index, ...pair)]);
            expect(largestDifference(alone?.scores_C, mixed[at]?.[0]?.scores_C)).toBeLessThan(tolerance);
          }
        }),
        { numRuns: 15 },
      );
    },
  );

  // One token's state is read, so that no mean evens the rounding out: about twice as far as without a mask.
  test("have scores in int8 that are near those in fp32", async () => {
    const coarse = await openClassifier("bert", "int8", { maskHead: true });
    for (const index of adapters.keys()) {
      const input = inputOf(index, "good order", "bad music");
      const [exact] = await masked.classify(templated(index), [input]);
      const [rounded] = await coarse.classify(templated(index), [input]);
      expect(largestDifference(exact?.scores_C, rounded?.scores_C)).toBeLessThan(0.05);
      expect(largestDifference(exact?.scores_C, rounded?.scores_C)).toBeGreaterThan(0);
    }
  });

  test("have a backbone that answers the probe, as every other", async () => {
    await expect(masked.probe()).resolves.toBeUndefined();
  });

  test("read what stands around the mask: another template, another text, other scores", async () => {
    const one = adapters[3] ?? expect.unreachable();
    const inside = (template: string) => ({
      ...{ tenant: "a", digest: template },
      load: async () => ({ ...one, template }),
    });
    const [scores] = await masked.classify(inside("{text} It was {mask} ."), ["good order"]);
    const [byTemplate] = await masked.classify(inside("{text} I am {mask} ."), ["good order"]);
    const [byText] = await masked.classify(inside("{text} It was {mask} ."), ["bad order"]);
    expect(largestDifference(scores?.scores_C, byTemplate?.scores_C)).toBeGreaterThan(1e-4);
    expect(largestDifference(scores?.scores_C, byText?.scores_C)).toBeGreaterThan(1e-4);
  });

  test("need pairs where the template has a place for both", async () => {
    await expect(masked.classify(templated(2), ["good"])).rejects.toMatchObject({ code: "pair_required" });
  });

  test("are refused without a template, and with one by a backbone that has no mask to read", async () => {
    await expect(masked.classify(handle(1), ["good"])).rejects.toMatchObject({ code: "backbone_mismatch" });
    const refused = classifier.classify(templated(1), ["good"]);
    await expect(refused).rejects.toMatchObject({ code: "backbone_mismatch" });
  });
});

test("an adapter of another encoder is refused and does not stay", async () => {
  const wide = makeRandomAdapter({ width: 64, seed: 1, classes: 2, generators: [] });
  const deep = makeRandomAdapter({
    width: backbone.config.width,
    seed: 1,
    classes: 2,
    generators: [{ layer: LAYERS, pooling: "mean", promptTokens: 1, bottleneck: 1 }],
  });
  for (const adapter of [wide, deep]) {
    const refused = classifier.classify({ tenant: "a", digest: "other", load: async () => adapter }, [
      "hello",
    ]);
    await expect(refused).rejects.toMatchObject({ code: "backbone_mismatch" });
  }
});

test("one load serves requests that arrive together, and a failed load is tried again", async () => {
  let loads = 0;
  const flaky = {
    tenant: "a",
    digest: "flaky",
    load: async () => {
      loads += 1;
      if (loads === 1) throw new ModelError("invalid_adapter", "broken");
      return adapters[2] ?? expect.unreachable();
    },
  };
  await expect(classifier.classify(flaky, ["a"])).rejects.toThrow("broken");
  // Asked again at once, it is not even tried.
  await expect(classifier.classify(flaky, ["a"])).rejects.toThrow("broken");
  expect(loads).toBe(1);
  await setTimeout(2 * FAILURE_MS_MIN);
  await Promise.all([classifier.classify(flaky, ["a"]), classifier.classify(flaky, ["b"])]);
  expect(loads).toBe(2);
});

test("the cache stays within its bytes, and an evicted adapter comes back with the same scores", async () => {
  const small = await createClassifier(backbone, { threads: 1, adapterCacheBytesMax: 12_000 });
  try {
    const first = await Promise.all(adapters.map((_, index) => small.classify(handle(index), ["bad order"])));
    expect(small.cacheStats.bytes).toBeLessThanOrEqual(12_000);
    expect(small.cacheStats.adapters).toBeLessThan(ADAPTERS);
    const again = await Promise.all(adapters.map((_, index) => small.classify(handle(index), ["bad order"])));
    for (const [index, result] of again.entries()) {
      expect(largestDifference(first[index]?.[0]?.scores_C, result[0]?.scores_C)).toBeLessThan(1e-4);
    }
  } finally {
    await small.close();
  }
});

test("a probe is answered while the session works, and not after it is closed", async () => {
  const other = await createClassifier(backbone, { threads: 1 });
  await other.probe();
  await other.close();
  await expect(other.probe()).rejects.toThrow();
});

describe("a request's observer", () => {
  test("is told of its phases in order, once for each pass whatever number of its texts was in it", async () => {
    const phases: [phase: string, startedMs: number, endedMs: number][] = [];
    const observer: RequestObserver = { phaseEnded: (...ended) => void phases.push(ended) };
    const fromMs = performance.now();
    await classifier.classify(handle(1), ["one", "two", "three"], { observer });
    expect(phases.map(([phase]) => phase)).toEqual(["tokenize", "queue_wait", "forward_pass"]);
    const times = phases.flatMap(([, startedMs, endedMs]) => [startedMs, endedMs]);
    const inOrder = [fromMs, ...times, performance.now()];
    expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
  });
});

describe("an adapter that is slow or broken", () => {
  const never = (digest: string) => {
    const { promise, resolve } = Promise.withResolvers<Adapter>();
    const load = () => promise;
    return { handle: { tenant: "slow", digest, load }, resolve };
  };

  test("delays no other adapter, of its own tenant or another's", async () => {
    const order: string[] = [];
    const slow = never("slow");
    const waiting = Array.from({ length: 50 }, () =>
      classifier.classify(slow.handle, ["good"]).then(() => order.push("slow")),
    );
    const broken = {
      ...{ tenant: "slow", digest: "poisoned" },
      load: async (): Promise<Adapter> => {
        throw new ModelError("invalid_adapter", "broken");
      },
    };
    for (let n = 0; n < 50; n++)
      await expect(classifier.classify(broken, ["good"])).rejects.toThrow("broken");
    await classifier.classify({ ...handle(1), tenant: "slow" }, ["good"]).then(() => order.push("its own"));
    await classifier.classify(handle(2), ["good"]).then(() => order.push("another's"));
    expect(order).toEqual(["its own", "another's"]);
    slow.resolve(adapters[3] ?? expect.unreachable());
    await Promise.all(waiting);
    expect(order).toHaveLength(52);
  });

  test("holds its requests no longer than their time, and serves those that come once it is there", async () => {
    const slow = never("late");
    const late = classifier.classify(slow.handle, ["good"], { timeoutMs: 20 });
    await expect(late).rejects.toMatchObject({ code: "deadline_unmet" });
    slow.resolve(adapters[3] ?? expect.unreachable());
    expect(await classifier.classify(slow.handle, ["good"])).toHaveLength(1);
  });

  test("is waited for by no more texts than its tenant may have waiting", async () => {
    const slow = never("many");
    const first = classifier.classify(slow.handle, Array<string>(TENANT_QUEUED_TEXTS_MAX).fill("good"));
    const refused = classifier.classify(slow.handle, ["good"]);
    await expect(refused).rejects.toMatchObject({ code: "classifier_tenant_overloaded" });
    expect(await classifier.classify(handle(1), ["good"])).toHaveLength(1);
    slow.resolve(adapters[0] ?? expect.unreachable());
    expect(await first).toHaveLength(TENANT_QUEUED_TEXTS_MAX);
  });
});

test("an adapter that was warmed is there for the first request", async () => {
  let loads = 0;
  const warmed = {
    ...{ tenant: "warm", digest: "warm" },
    load: async () => {
      loads += 1;
      return adapters[1] ?? expect.unreachable();
    },
  };
  await classifier.warm(warmed);
  expect(loads).toBe(1);
  await classifier.classify(warmed, ["good"]);
  expect(loads).toBe(1);
});

describe("a request is refused", () => {
  test("when its tenant has as many texts waiting as it may; other tenants are not", async () => {
    const many = Array<string>(TENANT_QUEUED_TEXTS_MAX).fill("good");
    const first = classifier.classify(handle(0), many, { timeoutMs: CLASSIFY_MS_MAX });
    // Tokenized in turns: wait until they are in the line.
    await expect
      .poll(() => classifier.waitingTexts, { interval: 1, timeout: 10_000 })
      .toBeGreaterThan(TENANT_QUEUED_TEXTS_MAX / 2);
    const refused = classifier.classify(handle(0), many);
    const other = classifier.classify(handle(1), ["good"], { timeoutMs: CLASSIFY_MS_MAX });
    await expect(refused).rejects.toMatchObject({
      code: "classifier_tenant_overloaded",
      quota: { name: "waiting-texts", most: TENANT_QUEUED_TEXTS_MAX },
    });
    expect(await other).toHaveLength(1);
    expect(await first).toHaveLength(TENANT_QUEUED_TEXTS_MAX);
  });

  test("when its time has passed, with the seconds to wait", async () => {
    const late = classifier.classify(handle(0), ["good"], { timeoutMs: 0 });
    await expect(late).rejects.toMatchObject({ code: "deadline_unmet", retryAfterSeconds: 1 });
  });

  test("at once when what waits before it takes longer than it has", async () => {
    const many = Array<string>(4_000).fill("good order bad music hello");
    const order: string[] = [];
    const long = classifier
      .classify(handle(0), many, { timeoutMs: CLASSIFY_MS_MAX })
      .then(() => order.push("answered"));
    await expect.poll(() => classifier.waitingTexts, { interval: 1, timeout: 10_000 }).toBeGreaterThan(3_000);
    const hurried = classifier.classify(handle(0), ["good"], { timeoutMs: 1 });
    await expect(hurried.catch((error) => order.push(error.code))).resolves.toBe(1);
    await long;
    expect(order).toEqual(["deadline_unmet", "answered"]);
  });
});

test("a tenant with one text is answered long before another's thousand are", async () => {
  const order: string[] = [];
  const many = Array<string>(2_000).fill("good order bad music hello");
  const hot = classifier
    .classify(handle(0), many, { timeoutMs: CLASSIFY_MS_MAX })
    .then(() => order.push("hot"));
  await expect.poll(() => classifier.waitingTexts, { interval: 1, timeout: 10_000 }).toBeGreaterThan(1_000);
  const late = classifier.classify(handle(1), ["good"]).then(() => order.push("late"));
  await Promise.all([hot, late]);
  expect(order).toEqual(["late", "hot"]);
});

function largestDifference(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b || a.length !== b.length) return Number.NaN;
  return a.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}
