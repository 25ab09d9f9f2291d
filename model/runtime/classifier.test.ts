import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { TINY_WORDS } from "../../test/helpers/tiny-tokenizer.ts";
import { type Backbone, parseBackbone } from "../backbone.ts";
import { ModelError } from "../errors.ts";
import type { Adapter } from "../spt/adapter.ts";
import { Classifier } from "./classifier.ts";

const LAYERS = 3;
const ADAPTERS = 6;

let backbone: Backbone;
let classifier: Classifier;
let adapters: readonly Adapter[];

beforeAll(async () => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ family: "bert", layers: LAYERS }));
  classifier = await Classifier.create(backbone, { threads: 1 });
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
  return makeRandomAdapter({ width: backbone.config.width, seed, classes: 2 + seed, generators, scaleShift });
}

const handle = (index: number) => ({
  key: `tenant/${index}`,
  load: async () => adapters[index] ?? expect.unreachable(),
});

const texts = fc
  .array(fc.constantFrom(...TINY_WORDS), { minLength: 0, maxLength: 40 })
  .map((words) => words.join(" "));

describe("a text's scores", () => {
  test("alone and in any mixed batch differ by less than 1e-4", async () => {
    const requests = fc.array(fc.tuple(fc.nat(ADAPTERS - 1), texts), { minLength: 2, maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(requests, async (items) => {
        const mixed = await Promise.all(
          items.map(([index, text]) => classifier.classify(handle(index), [text])),
        );
        for (const [at, [index, text]] of items.entries()) {
          const [alone] = await classifier.classify(handle(index), [text]);
          const together = mixed[at]?.[0];
          expect(together?.scores_C.length).toBe(2 + index);
          expect(largestDifference(alone?.scores_C, together?.scores_C)).toBeLessThan(1e-4);
        }
      }),
      { numRuns: 25 },
    );
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
      const part = { key: `without ${kind} ${left.layer}`, load: async () => ({ ...whole, insertions }) };
      const [without] = await classifier.classify(part, ["good order"]);
      expect(largestDifference(all?.scores_C, without?.scores_C)).toBeGreaterThan(1e-4);
    }
  });
});

describe("an adapter of dual pairs", () => {
  const dual = {
    key: "dual",
    load: async (): Promise<Adapter> => {
      const { width } = backbone.config;
      const options = { width, seed: 3, generators: [], scaleShift: [0, 2] };
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
    masked = await Classifier.create(parseBackbone("tiny", files), { threads: 1 });
  });
  afterAll(() => masked.close());

  const templated = (index: number) => ({
    key: `templated ${index}`,
    load: async () => ({
      ...(adapters[index] ?? expect.unreachable()),
      template: TEMPLATES[index % TEMPLATES.length] ?? "",
    }),
  });

  test("have scores that do not depend on the batch, whatever the templates, prompts and scales in it", async () => {
    const requests = fc.array(fc.tuple(fc.nat(ADAPTERS - 1), texts, texts), { minLength: 2, maxLength: 16 });
    const inputOf = (index: number, text: string, textPair: string) =>
      index % TEMPLATES.length === 2 ? { text, textPair } : text;
    await fc.assert(
      fc.asyncProperty(requests, async (items) => {
        const mixed = await Promise.all(
          items.map(([index, ...pair]) => masked.classify(templated(index), [inputOf(index, ...pair)])),
        );
        for (const [at, [index, ...pair]] of items.entries()) {
          const [alone] = await masked.classify(templated(index), [inputOf(index, ...pair)]);
          expect(largestDifference(alone?.scores_C, mixed[at]?.[0]?.scores_C)).toBeLessThan(1e-4);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("read what stands around the mask: another template, another text, other scores", async () => {
    const one = adapters[3] ?? expect.unreachable();
    const inside = (template: string) => ({ key: template, load: async () => ({ ...one, template }) });
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
    const refused = classifier.classify({ key: "other", load: async () => adapter }, ["hello"]);
    await expect(refused).rejects.toMatchObject({ code: "backbone_mismatch" });
  }
});

test("one load serves requests that arrive together, and a failed load is tried again", async () => {
  let loads = 0;
  const flaky = {
    key: "flaky",
    load: async () => {
      loads += 1;
      if (loads === 1) throw new ModelError("invalid_adapter", "broken");
      return adapters[2] ?? expect.unreachable();
    },
  };
  await expect(classifier.classify(flaky, ["a"])).rejects.toThrow("broken");
  await Promise.all([classifier.classify(flaky, ["a"]), classifier.classify(flaky, ["b"])]);
  expect(loads).toBe(2);
});

test("the cache stays within its bytes, and an evicted adapter comes back with the same scores", async () => {
  const small = await Classifier.create(backbone, { threads: 1, adapterCacheBytesMax: 12_000 });
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

function largestDifference(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b || a.length !== b.length) return Number.NaN;
  return a.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}
