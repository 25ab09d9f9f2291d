import { expect, it } from "vitest";
import type { Example } from "./dataset.ts";
import { sampleExamples } from "./sample-examples.ts";

/** So many examples of each label, mixed. */
function examplesOf(...counts: number[]): Example[] {
  const rows = counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, at) => ({ label, at: at / count })),
  );
  return rows.sort((a, b) => a.at - b.at).map(({ label }, row) => ({ input: `text ${row}`, label, row }));
}

const countsOf = (examples: readonly Example[], labels: number) =>
  Array.from({ length: labels }, (_, label) => examples.filter((example) => example.label === label).length);

it("no more than the limit are all of them, the very same", () => {
  const examples = examplesOf(50, 50);
  expect(sampleExamples(examples, { most: 100, seed: 1 })).toBe(examples);
});

it("each label has its share, a rare one all of its rows, in the order of the file", () => {
  const examples = examplesOf(8_000, 2_000, 20, 5);
  const sample = sampleExamples(examples, { most: 1_000, seed: 1 });
  const [large = 0, middle = 0, small = 0, rare = 0] = countsOf(sample, 4);
  expect(sample.length).toBeLessThanOrEqual(1_000);
  expect(sample.length).toBeGreaterThan(990);
  expect(large / middle).toBeCloseTo(4, 0);
  expect([small, rare]).toEqual([16, 5]);
  expect(sample.map(({ row }) => row)).toEqual(sample.map(({ row }) => row).sort((a, b) => a - b));
  expect(new Set(sample).size).toBe(sample.length);
});

it("the same seed draws the same, another one others", () => {
  const examples = examplesOf(500, 500);
  const draw = (seed: number) => sampleExamples(examples, { most: 100, seed });
  expect(draw(1)).toEqual(draw(1));
  expect(draw(2)).not.toEqual(draw(1));
});
