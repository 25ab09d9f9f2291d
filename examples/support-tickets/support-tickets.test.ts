import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseDataset } from "#trainer/dataset";

const read = (fileName: string, forTraining: boolean) =>
  parseDataset(readFileSync(new URL(fileName, import.meta.url)), {
    fileName,
    mediaType: "text/csv",
    forTraining,
  });

const train = read("train.csv", true);
const held = read("test.csv", false);

function counts({ examples, labels }: typeof train): number[] {
  return labels.map((_, index) => examples.filter(({ label }) => label === index).length);
}

test("the example has at least 8 labels with at least 20 examples each, and 6 to measure with", () => {
  expect(train.labels.length).toBeGreaterThanOrEqual(8);
  expect(Math.min(...counts(train))).toBeGreaterThanOrEqual(20);
  expect(held.labels).toEqual(train.labels);
  expect(Math.min(...counts(held))).toBeGreaterThanOrEqual(6);
});

test("it is parsed without a warning, and no text stands twice in it", () => {
  expect([...train.warnings, ...held.warnings]).toEqual([]);
  const texts = [...train.examples, ...held.examples].map(({ input }) => input);
  expect(new Set(texts).size).toBe(texts.length);
});
