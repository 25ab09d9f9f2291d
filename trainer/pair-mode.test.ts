import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backbone, featureWidth, pairFeatures, type TextPair } from "#model";
import { createClassifier } from "#model/runtime";
import { openTinyFrozenEncoder } from "../test/helpers/tiny-frozen-encoder.ts";
import { TINY_WORDS } from "../test/helpers/tiny-tokenizer.ts";
import type { FrozenEncoder } from "./frozen-encoder.ts";
import { embedInputs, encodeExamples, exampleFeatures } from "./pair-mode.ts";
import { createRandom } from "./random.ts";
import { train } from "./train.ts";

let backbone: Backbone;
let frozen: FrozenEncoder;

beforeAll(async () => {
  ({ backbone, frozen } = await openTinyFrozenEncoder());
});
afterAll(() => frozen.close());

/** Pairs of one text twice (class 0) and of two different texts (class 1), drawn from words. */
function sameOrOther(rows: number, seed: number): { inputs: TextPair[]; labels: number[] } {
  const random = createRandom(seed);
  const draw = () => {
    const words = Array.from({ length: 4 }, () => TINY_WORDS[Math.floor(random() * TINY_WORDS.length)]);
    return words.join(" ");
  };
  const labels = Array.from({ length: rows }, (_, row) => row % 2);
  const inputs = labels.map((label) => {
    const text = draw();
    return { text, textPair: label === 0 ? text : draw() };
  });
  return { inputs, labels };
}

const embed = (data: { inputs: readonly (string | TextPair)[]; labels: readonly number[] }) =>
  embedInputs(
    { ...data, classes: 2 },
    {
      tokenizer: backbone.tokenizer,
      width: backbone.config.width,
      embed: (encodings) => frozen.features(encodings),
      random: createRandom(1),
    },
  );

describe("the mode of pairs", () => {
  test("is dual where the texts' likeness decides, as cross-validation sees", async () => {
    const { pairMode, encodings, features } = await embed(sameOrOther(40, 1));
    expect(pairMode).toBe("dual");
    expect(encodings).toHaveLength(80);
    expect(features).toHaveLength(40 * featureWidth(backbone.config.width, "dual"));
  });

  test("of single texts is joint, without a trial", async () => {
    expect((await embed({ inputs: ["good", "bad"], labels: [0, 1] })).pairMode).toBe("joint");
  });
});

test("features of dual examples are the pair features of their two vectors", async () => {
  const { inputs } = sameOrOther(4, 2);
  const { width } = backbone.config;
  const vectors = await frozen.features(await encodeExamples(backbone, inputs, { pairMode: "dual" }));
  const features = exampleFeatures(vectors, width, "dual");
  const at = (row: number) => vectors.subarray(row * width, (row + 1) * width);
  for (const example of [0, 3]) {
    const expected = pairFeatures(at(2 * example), at(2 * example + 1));
    expect(features.subarray(example * expected.length, (example + 1) * expected.length)).toEqual(expected);
  }
});

test("an adapter trained on pairs is dual where that is better, and tells new pairs apart", async () => {
  const [learned, held] = [sameOrOther(48, 1), sameOrOther(60, 2)];
  const examples = learned.inputs.map((input, index) => ({
    ...{ input, row: index + 2 },
    label: learned.labels[index] ?? 0,
  }));
  const dataset = {
    examples,
    labels: ["other", "same"],
    columns: { text: "text", label: "label" },
    warnings: [],
  };
  const { adapter } = await train({ backbone, dataset, options: { seed: 1, epochs: 10 }, threads: 1 });
  expect(adapter.pairMode).toBe("dual");
  const classifier = await createClassifier(backbone, { threads: 1, precision: "fp32" });
  const results = await classifier.classify(
    { tenant: "a", digest: "a", load: async () => adapter },
    held.inputs,
  );
  await classifier.close();
  const hits = results.filter(({ scores_C }, row) => Number((scores_C[1] ?? 0) > 0.5) === held.labels[row]);
  expect(hits.length).toBeGreaterThanOrEqual(0.9 * held.labels.length);
});
