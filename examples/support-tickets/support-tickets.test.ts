// The demo's accuracy means something only while these hold: enough to measure with, and nothing seen before.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseDataset } from "#trainer/dataset";

const fileNames = ["train.csv", "test.csv"];
const readBytes = (fileName: string) => readFileSync(new URL(fileName, import.meta.url));
const read = (fileName: string, forTraining: boolean) =>
  parseDataset(readBytes(fileName), { fileName, mediaType: "text/csv", forTraining });

const train = await read("train.csv", true);
const held = await read("test.csv", false);
const texts = [...train.examples, ...held.examples].map(({ input }) => input as string);

function counts({ examples, labels }: typeof train): number[] {
  return labels.map((_, index) => examples.filter(({ label }) => label === index).length);
}

test.each(fileNames)("%s has the columns text and label and no other", (fileName) => {
  expect(readBytes(fileName).toString().split("\n", 1)).toEqual(["text,label"]);
});

test("there are 10 labels with at least 25 examples each to learn from, and 8 to measure with", () => {
  expect(train.labels).toHaveLength(10);
  expect(held.labels).toEqual(train.labels);
  expect(Math.min(...counts(train))).toBeGreaterThanOrEqual(25);
  expect(Math.min(...counts(held))).toBeGreaterThanOrEqual(8);
});

test("both files are parsed without a warning", () => {
  expect([...train.warnings, ...held.warnings]).toEqual([]);
});

test("no text stands twice, in one file or in both, even where case and punctuation differ", () => {
  const words = texts.map((text) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, " "));
  expect(new Set(words).size).toBe(train.examples.length + held.examples.length);
});

test("texts have 5 to 60 words", () => {
  const lengths = texts.map((text) => text.split(/\s+/).length);
  expect([Math.min(...lengths) >= 5, Math.max(...lengths) <= 60]).toEqual([true, true]);
});
