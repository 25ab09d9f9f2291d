import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backbone } from "#model";
import { openTinyFrozenEncoder } from "../test/helpers/tiny-frozen-encoder.ts";
import { TINY_WORDS } from "../test/helpers/tiny-tokenizer.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { embedRows } from "./embed-rows.ts";
import type { FrozenEncoder } from "./frozen-encoder.ts";
import { labelNameTexts } from "./label-names.ts";

let backbone: Backbone;
let frozen: FrozenEncoder;

beforeAll(async () => {
  ({ backbone, frozen } = await openTinyFrozenEncoder());
});
afterAll(() => frozen.close());

const labels = TINY_WORDS.slice(0, 2);
const datasetOf = (texts: readonly (readonly [text: string, label: number])[]): Dataset => ({
  examples: texts.map(([input, label], index) => ({ input, label, row: index + 2 })),
  labels,
  columns: { text: "text", label: "label" },
  warnings: [],
});

/** Each text is its label's own words. */
const speaking = datasetOf(
  labels.flatMap((label, index) => labelNameTexts(label).map((text) => [text, index] as const)),
);
/** Each is the other's. */
const misleading: Dataset = {
  ...speaking,
  examples: speaking.examples.map((one) => ({ ...one, label: 1 - one.label })),
};
const validation = { dataset: datasetOf([[labels[0] ?? "", 0]]), fileName: "validation.csv" };

test("rows are examples, then validation rows, then the names where they are taught, with features of all", async () => {
  const rows = await embedRows({ backbone, dataset: speaking, validation, options: { seed: 1 } }, frozen);
  expect(rows.labelNames?.taught).toBe(true);
  expect([rows.examples.length, rows.validation, rows.names.length]).toEqual([24, [24], 24]);
  expect(rows.names).toEqual(Array.from({ length: 24 }, (_, index) => 25 + index));
  // Packed with other rows, so equal but for rounding.
  const features = await frozen.features(rows.encodings);
  for (const [at, value] of features.entries()) expect(rows.features[at]).toBeCloseTo(value, 5);
  expect(rows.names.map((row) => rows.labels[row])).toEqual(speaking.examples.map(({ label }) => label));
  const texts = labels.flatMap(labelNameTexts);
  expect(rows.names.map((row) => rows.encodings[row])).toEqual(
    texts.map((text) => backbone.tokenizer.encode(text)),
  );
});

test("names that stand for another label are not taught, and leave no rows", async () => {
  const rows = await embedRows({ backbone, dataset: misleading, options: { seed: 1 } }, frozen);
  expect(rows.labelNames?.taught).toBe(false);
  expect(rows.labelNames?.accuracy).toBeLessThan(0.5);
  expect(rows.names).toEqual([]);
  expect(rows.labels).toHaveLength(24);
});

test("names are not tried of pairs", async () => {
  const examples = speaking.examples.map((one) => ({
    ...one,
    input: { text: "a", textPair: `${one.input}` },
  }));
  const rows = await embedRows(
    { backbone, dataset: { ...speaking, examples }, options: { seed: 1 } },
    frozen,
  );
  expect(rows.labelNames).toBeUndefined();
});
