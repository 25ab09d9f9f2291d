import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type Backbone, parseBackbone, serializeAdapter } from "#model";
import { must } from "#model/graph";
import { createClassifier } from "#model/runtime";
import { makeTickets } from "../test/helpers/tickets.ts";
import { makeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { FrozenEncoder } from "./frozen-encoder.ts";
import { headLogits } from "./head/head-logits.ts";
import { type TrainOptions, trainOptionsSchema } from "./options.ts";
import { train } from "./train.ts";
import { createVerbalizer, headFitOf, labelWordHead, MASK_REGULARIZATION_C } from "./verbalizer.ts";

const LAYERS = 2;

let backbone: Backbone;
let plain: Backbone;

beforeAll(() => {
  backbone = parseBackbone("tiny", makeTinyBackbone({ layers: LAYERS, maskHead: true }));
  plain = parseBackbone("plain", makeTinyBackbone());
});

function datasetOf({ labels, rows }: ReturnType<typeof makeTickets>): Dataset {
  const examples = rows.map(({ text, label }, index) => ({
    ...{ input: text, row: index + 2 },
    label: labels.indexOf(label),
  }));
  return { examples, labels, warnings: [], columns: { text: "text", label: "label" } };
}

const tickets = datasetOf(makeTickets({ seed: 1, rowsPerLabel: 12 }));

describe("the head of label words", () => {
  const path = new URL("../test/fixtures/golden/mask-tiny-bert.json", import.meta.url);
  const golden: { cases: { template: string; text: string; textPair?: string; logits_V: string }[] } =
    JSON.parse(readFileSync(path, "utf8"));

  test("gives each word the logit that Hugging Face transformers gives it", async () => {
    const words = ["good", "refund", "taxi"];
    const ids = words.map((word) => backbone.tokenizer.wordIds(word));
    // The last is no word of the vocabulary: its pieces count alike.
    expect(ids.map(({ length }) => length > 1)).toEqual([false, false, true]);
    const encodings = golden.cases.map(({ template, text, textPair }) =>
      backbone.tokenizer.encode(textPair === undefined ? text : { text, textPair }, template),
    );
    const frozen = await FrozenEncoder.create(backbone, { threads: 1 });
    const features = await frozen.features(encodings);
    await frozen.close();
    const logits = headLogits(labelWordHead(backbone, words), features, backbone.config.width);
    for (const [row, { logits_V }] of golden.cases.entries()) {
      const ofWords = decode(logits_V);
      for (const [label, pieces] of ids.entries()) {
        const expected = pieces.reduce((sum, id) => sum + (ofWords[id] ?? Number.NaN), 0) / pieces.length;
        expect(Math.abs(Number(logits[row * words.length + label]) - expected)).toBeLessThan(1e-4);
      }
    }
  });

  test("is 0 for a label without a word", () => {
    const { weight_CD, bias_C } = labelWordHead(backbone, ["good", "\u200b"]);
    expect(weight_CD.subarray(0, backbone.config.width).some((value) => value !== 0)).toBe(true);
    expect([...weight_CD.subarray(backbone.config.width), bias_C[1]].every((value) => value === 0)).toBe(
      true,
    );
  });
});

describe("createVerbalizer", () => {
  const pairs: Dataset = {
    ...tickets,
    examples: tickets.examples.map((one) => ({ ...one, input: { text: "good", textPair: "bad" } })),
  };
  const create = (options: Partial<TrainOptions>, dataset = tickets, on = backbone) =>
    createVerbalizer(on, dataset, { seed: 0, ...options });

  test("takes the labels' own names and a template that fits the rows, unless told otherwise", () => {
    expect(create({})).toMatchObject({ template: "{text} It was {mask} .", words: tickets.labels });
    expect(create({}, pairs)?.template).toBe("{text} ? {mask} , {text_pair}");
    const told = { template: "{mask}: {text}", labelWords: { technical: "error" } };
    expect(create(told)).toMatchObject({
      template: "{mask}: {text}",
      words: ["billing", "delivery", "error"],
    });
    expect(create({}, { ...tickets, labels: ["cardPayment", "late_box"] })?.words).toEqual([
      "card Payment",
      "late box",
    ]);
  });

  test("makes none on a backbone that predicts no words, and refuses to be told any", () => {
    expect(create({}, tickets, plain)).toBeUndefined();
    for (const options of [{ template: "{text} {mask}" }, { labelWords: { billing: "money" } }]) {
      expect(() => create(options, tickets, plain)).toThrow(/need a backbone that predicts words/);
    }
  });

  test("refuses a word that is another label's too, and one that is no word", () => {
    const same = { labelWords: { technical: "Billing" } };
    expect(() => create(same)).toThrow(/words of "technical" and "billing" are the same to this backbone/);
    const both = { labelWords: { technical: "bad", billing: "bad", delivery: "good" } };
    expect(() => create(both)).toThrow(/"technical" and "billing"/);
    expect(() => create({ labelWords: { technical: "\u200b" } })).toThrow(/gives "technical" no word/);
  });

  test("refuses words of no label, and a place for a second text that no row has", () => {
    expect(() => create({ labelWords: { other: "good" } })).toThrow(/"other", which is no label/);
    expect(() => create({ template: "{text} {mask} {text_pair}" })).toThrow(/single texts/);
  });
});

test("heads are fitted near to the label words on frozen vectors alone, as ever where there are none", () => {
  const verbalizer = createVerbalizer(backbone, tickets, { seed: 0 });
  expect(headFitOf(verbalizer, "frozen").center).toBe(verbalizer?.head);
  expect(headFitOf(verbalizer, "tuned")).toEqual({ c: MASK_REGULARIZATION_C });
  expect(headFitOf(undefined, "frozen")).toEqual({});
});

test("options hold templates alone that are templates", () => {
  expect(trainOptionsSchema.safeParse({ template: "{text} It was {mask} ." }).success).toBe(true);
  const refused = trainOptionsSchema.safeParse({ template: "{text} It was good." });
  expect(refused.error?.issues[0]?.message).toMatch(/\{mask\} exactly once/);
});

describe("training on a backbone that predicts words", () => {
  const trainWith = (options: Partial<TrainOptions>, dataset = tickets) =>
    train({ backbone, dataset, options: { seed: 3, ...options }, threads: 1 });

  test("tries the label words alone first, then heads near to them and insertions", async () => {
    const { adapter, report } = await trainWith({});
    expect(report.candidates.map(({ labelWords, insertions }) => labelWords ?? insertions?.length)).toEqual([
      true,
      undefined,
      LAYERS,
    ]);
    expect(report.verbalizer).toEqual({ template: "{text} It was {mask} .", words: tickets.labels });
    expect(adapter.template).toBe("{text} It was {mask} .");
    expect(report.labelNames).toBeUndefined();
    expect(report.validation?.accuracy).toBeGreaterThanOrEqual(report.candidates[0]?.accuracy ?? 1);
  });

  test("by plain SPT gives prompts and a head right on half of new rows, chance being a third, the same bytes again", async () => {
    const first = await trainWith({ method: "spt" });
    expect(first.report.promptLayers.length).toBeGreaterThan(0);
    const held = datasetOf(makeTickets({ seed: 2, rowsPerLabel: 20 }));
    const classifier = await createClassifier(backbone, { threads: 1, precision: "fp32" });
    const inputs = held.examples.map(({ input }) => input);
    const handle = { tenant: "a", digest: "a", load: async () => first.adapter };
    const results = await classifier.classify(handle, inputs);
    await classifier.close();
    const hits = results.filter(({ scores_C }, row) => {
      return scores_C.indexOf(Math.max(...scores_C)) === held.examples[row]?.label;
    });
    expect(hits.length).toBeGreaterThanOrEqual(0.5 * held.examples.length);
    const again = await trainWith({ method: "spt" });
    expect(serializeAdapter(again.adapter, backbone)).toEqual(serializeAdapter(first.adapter, backbone));
  });

  test("leaves the label words as they are where nothing that learns is better", async () => {
    // Validation rows are labelled by the word that the frozen head finds likelier, the examples by the other.
    const words = ["good", "bad"];
    const right = await labelledByWords(words);
    const wrong = right.examples.map((one) => ({ ...one, label: 1 - one.label }));
    const { adapter, report } = await train({
      ...{ backbone, dataset: { ...right, examples: wrong }, options: { seed: 3 }, threads: 1 },
      validation: { dataset: right, fileName: "validation.csv" },
    });
    expect(report.candidates.find(({ chosen }) => chosen)?.labelWords).toBe(true);
    expect(adapter.insertions).toEqual([]);
    const head = labelWordHead(backbone, words);
    for (const [at, value] of adapter.head.weight_CD.entries()) {
      expect(Math.abs(value - must(head.weight_CD[at], "weight"))).toBeLessThan(0.02);
    }
  });

  test("reads pairs as one sequence in a template with a place for both", async () => {
    const examples = tickets.examples.map(({ input, ...rest }) => ({
      ...rest,
      input: { text: String(input), textPair: "please help" },
    }));
    const { adapter } = await trainWith({ epochs: 1 }, { ...tickets, examples });
    expect([adapter.pairMode, adapter.template]).toEqual(["joint", "{text} ? {mask} , {text_pair}"]);
  });

  test("chooses the threshold of label words as they are by their own answers alone: they have learned from no row", async () => {
    const words = ["yes", "no"];
    // Close calls: from a few of them nothing is learned that is as good.
    const dataset = await labelledByWords(words, { closest: true });
    const { report } = await train({ backbone, dataset, options: { seed: 3 }, threads: 1 });
    expect(report.candidates.find(({ chosen }) => chosen)?.labelWords).toBe(true);
    const logits = await wordLogits(
      dataset.examples.map(({ input }) => String(input)),
      words,
    );
    const largest = dataset.examples.map((_, row) => Math.max(...logits.subarray(2 * row, 2 * row + 2)));
    // Of 32 rows one may be lost, in 95 of 100.
    expect(report.heldOut.outOfScope).toMatchObject({
      n: 32,
      below: expect.closeTo(Math.min(...largest), 4),
    });
  });

  async function wordLogits(texts: readonly string[], words: readonly string[]): Promise<Float32Array> {
    const frozen = await FrozenEncoder.create(backbone, { threads: 1 });
    const encodings = texts.map((text) => backbone.tokenizer.encode(text, "{text} It was {mask} ."));
    const features = await frozen.features(encodings);
    await frozen.close();
    return headLogits(labelWordHead(backbone, words), features, backbone.config.width);
  }

  async function labelledByWords(words: readonly string[], { closest = false } = {}): Promise<Dataset> {
    const texts = makeTickets({ seed: 5, rowsPerLabel: 40 }).rows.map(({ text }) => text);
    const logits = await wordLogits(texts, words);
    const lead = (row: number) => Number(logits[2 * row + 1]) - Number(logits[2 * row]);
    const rows = texts.map((_, row) => row);
    if (closest) rows.sort((a, b) => Math.abs(lead(a)) - Math.abs(lead(b)));
    const examples = rows.map((row) => ({
      ...{ input: texts[row] ?? "", row: row + 2 },
      label: lead(row) > 0 ? 1 : 0,
    }));
    const ofClass = (label: number) => examples.filter((one) => one.label === label).slice(0, 16);
    const columns = { text: "text", label: "label" };
    return { examples: [...ofClass(0), ...ofClass(1)], labels: words, warnings: [], columns };
  }
});

function decode(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
