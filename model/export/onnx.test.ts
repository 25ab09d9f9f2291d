import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { makeTinyBackbone, type TinyBackboneOptions } from "../../test/helpers/tiny-backbone.ts";
import { TINY_WORDS } from "../../test/helpers/tiny-tokenizer.ts";
import { type Backbone, parseBackbone, TEXT_TOKENS_MAX } from "../backbone.ts";
import { ModelError } from "../errors.ts";
import { featureWidth } from "../pair-features.ts";
import { createClassifier } from "../runtime/create-classifier.ts";
import { type LongFeed, Session } from "../runtime/session.ts";
import type { Adapter } from "../spt/adapter.ts";
import type { Encoding, TextInput } from "../tokenizer/tokenizer.ts";
import { exportOnnx } from "./onnx.ts";

const LAYERS = 3;
const CONSTANT_LOGIT = 0.5;
const ORIGIN = { name: "tickets", version: 3, digest: `sha256:${"a".repeat(64)}`, softgate: "0.0.0" };

/** Padded at the right, as tokenizers do, with ids and types that would show if they were read. */
function padded(encodings: readonly Encoding[], suffix = ""): Record<string, LongFeed> {
  const longest = Math.max(...encodings.map(({ tokenIds }) => tokenIds.length));
  const length = Math.min(longest + 2, TEXT_TOKENS_MAX);
  const shape = [encodings.length, length];
  const fill = (valuesOf: (encoding: Encoding) => readonly number[], padding: number) =>
    BigInt64Array.from(
      encodings.flatMap((encoding) => {
        const values = valuesOf(encoding);
        return [...values, ...Array<number>(length - values.length).fill(padding)];
      }),
      BigInt,
    );
  return {
    [`input_ids${suffix}`]: { data: fill(({ tokenIds }) => tokenIds, 3), shape },
    [`attention_mask${suffix}`]: { data: fill(({ tokenIds }) => tokenIds.map(() => 1), 0), shape },
    [`token_type_ids${suffix}`]: { data: fill(({ typeIds }) => typeIds, 0), shape },
  };
}

function feedsOf({ tokenizer }: Backbone, adapter: Adapter, inputs: readonly TextInput[]) {
  if (adapter.pairMode === "joint")
    return padded(inputs.map((input) => tokenizer.encode(input, adapter.template)));
  const pairs = inputs.filter((input) => typeof input !== "string");
  return {
    ...padded(pairs.map(({ text }) => tokenizer.encode(text))),
    ...padded(
      pairs.map(({ textPair }) => tokenizer.encode(textPair)),
      "_pair",
    ),
  };
}

function modelOf(backbone: Backbone, adapter: Adapter): Uint8Array {
  return Buffer.concat(exportOnnx(backbone, adapter, { origin: ORIGIN }).pieces);
}

/** Of each input, what the exported file and the classifier say. */
async function expectSame(backbone: Backbone, adapter: Adapter, batches: readonly TextInput[][]) {
  const session = await Session.load(modelOf(backbone, adapter), { threads: 1 });
  onTestFinished(() => session.close());
  const classifier = await createClassifier(backbone, { threads: 1, precision: "fp32" });
  onTestFinished(() => classifier.close());
  const handle = { tenant: "a", digest: "a", load: async () => adapter };
  const classes = adapter.labels.length;
  for (const inputs of batches) {
    const feeds = feedsOf(backbone, adapter, inputs);
    const { logits, probabilities } = await session.run(feeds, ["logits", "probabilities"]);
    const expected = await classifier.classify(handle, inputs);
    for (const [row, { scores_C }] of expected.entries()) {
      const ofRow = (values: Float32Array) => values.subarray(row * classes, (row + 1) * classes);
      for (const [c, score] of scores_C.entries()) expect(ofRow(probabilities)[c]).toBeCloseTo(score, 4);
      // The last class has no weights: what its logit is, is known.
      expect(ofRow(logits).at(-1)).toBe(CONSTANT_LOGIT);
      for (const [c, logit] of ofRow(logits).entries()) {
        const above = adapter.temperature * Math.log((scores_C[c] ?? 0) / (scores_C.at(-1) ?? 0));
        if ((scores_C[c] ?? 0) > 1e-3 && (scores_C.at(-1) ?? 0) > 1e-3)
          expect(logit - CONSTANT_LOGIT).toBeCloseTo(above, 2);
      }
    }
  }
}

function draw(seed: number, isPair: boolean): TextInput[][] {
  const text = fc.array(fc.constantFrom(...TINY_WORDS), { maxLength: 40 }).map((words) => words.join(" "));
  const input: fc.Arbitrary<TextInput> = isPair ? fc.record({ text, textPair: text }) : text;
  return fc.sample(fc.array(input, { minLength: 1, maxLength: 6 }), { seed, numRuns: 4 });
}

function withConstantClass(adapter: Adapter): Adapter {
  const { labels, head } = adapter;
  const [weight_CD, bias_C] = [head.weight_CD.slice(), head.bias_C.slice()];
  weight_CD.fill(0, (weight_CD.length / labels.length) * (labels.length - 1));
  bias_C[labels.length - 1] = CONSTANT_LOGIT;
  return { ...adapter, head: { weight_CD, bias_C } };
}

/** Prompts that are replaced, carried on in part and in whole, and that end; scales and shifts among them. */
function anAdapter(width: number, seed: number): Adapter {
  const layouts = [
    [],
    [
      [0, 4],
      [1, 2],
    ],
    [
      [0, 2],
      [2, 3],
    ],
    [
      [1, 3],
      [2, 3],
    ],
    [
      [0, 3],
      [1, 3],
      [2, 1],
    ],
    [[2, 4]],
  ];
  const generators = (layouts[seed] ?? []).map(([layer = 0, promptTokens = 1], index) => ({
    ...{ layer, promptTokens, bottleneck: 3 },
    pooling: (seed + index) % 2 === 0 ? ("mean" as const) : ("slots" as const),
  }));
  const scaleShift = [0, 1, 2].filter((layer) => (seed + layer) % 2 === 1);
  const lowRank = [0, 1, 2]
    .filter((layer) => (seed + layer) % 3 === 0)
    .map((layer) => ({ layer, rank: 1 + seed }));
  const options = { width, seed, classes: 2 + seed, generators, scaleShift, lowRank };
  return withConstantClass(makeRandomAdapter(options));
}

const tiny = (options: TinyBackboneOptions) =>
  parseBackbone("tiny", makeTinyBackbone({ layers: LAYERS, ...options }));

describe("the exported file answers a padded batch as the classifier does:", () => {
  test.each([0, 1, 2, 3, 4, 5])("single texts and joint pairs, adapter %i", async (seed) => {
    const backbone = tiny({ family: "bert" });
    const adapter = anAdapter(backbone.config.width, seed);
    await expectSame(backbone, adapter, [...draw(seed, false), ...draw(seed, true)]);
  });

  test.each(["roberta", "mpnet"] as const)("a backbone of the family %s", async (family) => {
    const backbone = tiny({ family });
    await expectSame(backbone, anAdapter(backbone.config.width, 4), [...draw(1, false), ...draw(2, true)]);
  });

  test("pairs whose texts are read each alone", async () => {
    const backbone = tiny({ family: "bert" });
    const { width } = backbone.config;
    const random = makeRandomAdapter({
      ...{ width: featureWidth(width, "dual"), seed: 2, classes: 3 },
      generators: [],
    });
    const { labels, head } = withConstantClass(random);
    const adapter: Adapter = { ...anAdapter(width, 2), labels, pairMode: "dual", head };
    await expectSame(backbone, adapter, draw(3, true));
  });

  test.each([
    ["bert", "{text} It was {mask} ."],
    ["roberta", "{mask} : {text}"],
    ["mpnet", "{text} ? {mask} , {text_pair}"],
  ] as const)("a %s that predicts words, with the template %s", async (family, template) => {
    const backbone = tiny({ family, maskHead: true });
    const adapter = { ...anAdapter(backbone.config.width, 3), template };
    await expectSame(backbone, adapter, draw(4, template.includes("text_pair")));
  });

  test("texts of the very length that is allowed", async () => {
    const backbone = tiny({ family: "mpnet" });
    const long = TINY_WORDS.join(" ").concat(" ").repeat(40);
    await expectSame(backbone, anAdapter(backbone.config.width, 1), [[long, "short"]]);
  });
});

test("a text's answer does not change with the padding beside it", async () => {
  const backbone = tiny({ family: "bert" });
  const adapter = anAdapter(backbone.config.width, 4);
  const session = await Session.load(modelOf(backbone, adapter), { threads: 1 });
  onTestFinished(() => session.close());
  const run = async (inputs: string[]) =>
    (await session.run(feedsOf(backbone, adapter, inputs), ["logits"])).logits.subarray(0, 6);
  const [word = ""] = TINY_WORDS;
  const alone = await run([word]);
  const beside = await run([word, TINY_WORDS.join(" ")]);
  for (const [c, logit] of alone.entries()) expect(beside[c]).toBeCloseTo(logit, 4);
});

test("the file says what it is: labels, digests, length, template and threshold", () => {
  const backbone = tiny({ family: "bert", maskHead: true });
  const adapter: Adapter = {
    ...anAdapter(backbone.config.width, 0),
    labels: ["no", "yes ✓"],
    template: "{text} It was {mask} .",
    outOfScope: { score: "max_logit", below: 1.5 },
  };
  const text = new TextDecoder().decode(modelOf(backbone, adapter));
  const about = (key: string, value: string) => expect(text).toMatch(new RegExp(`${key}..?.?${value}`, "s"));
  about("softgate.labels", String.raw`\["no","yes ✓"\]`);
  about("softgate.adapter", "tickets:3");
  about("softgate.adapter_digest", ORIGIN.digest);
  about("softgate.backbone_digest", backbone.digest);
  about("softgate.max_length", "256");
  about("softgate.template", String.raw`\{text\} It was \{mask\}`);
  about("softgate.out_of_scope", String.raw`\{"score":"max_logit","below":1.5\}`);
});

test("the file is refused where protobuf ends, with the limit named, before it is written", () => {
  const backbone = tiny({ family: "bert" });
  const adapter = anAdapter(backbone.config.width, 0);
  const { bytes } = exportOnnx(backbone, adapter, { origin: ORIGIN });
  expect(() => exportOnnx(backbone, adapter, { origin: ORIGIN, bytesMax: bytes })).not.toThrow();
  const tooLarge = () => exportOnnx(backbone, adapter, { origin: ORIGIN, bytesMax: bytes - 1 });
  expect(tooLarge).toThrow(ModelError);
  expect(tooLarge).toThrow(`take ${bytes} bytes; protobuf ends at ${bytes - 1}`);
});

test("large weights are not copied", () => {
  const backbone = tiny({ family: "bert" });
  const { pieces } = exportOnnx(backbone, anAdapter(backbone.config.width, 0), { origin: ORIGIN });
  const { buffer } = backbone.weights.tokenEmbedding_VD;
  expect(pieces.some((piece) => piece.buffer === buffer)).toBe(true);
});

test("an adapter of another backbone is not exported", () => {
  const backbone = tiny({ family: "bert", width: 16 });
  expect(() => exportOnnx(backbone, anAdapter(32, 1), { origin: ORIGIN })).toThrow(
    expect.objectContaining({ code: "backbone_mismatch" }),
  );
});
