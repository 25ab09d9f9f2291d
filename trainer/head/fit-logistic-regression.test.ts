import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { fitLogisticRegression, type LabelledFeatures } from "./fit-logistic-regression.ts";
import { headLogits } from "./head-logits.ts";

const numbers = z.array(z.number());
const golden = z
  .object({
    width: z.int(),
    c: z.number(),
    multinomial: z.object({
      classes: z.int(),
      features_BD: numbers,
      labels: numbers,
      weight_CD: numbers,
      bias_C: numbers,
      probabilities_BC: numbers,
    }),
    binary: z.object({
      features_BD: numbers,
      labels: numbers,
      c: z.number(),
      weight_D: numbers,
      bias: z.number(),
      probabilities_B: numbers,
    }),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL("../../test/fixtures/golden/logistic-regression.json", import.meta.url), "utf8"),
    ),
  );

const { width } = golden;
const three = dataOf(golden.multinomial, golden.multinomial.classes);
const two = dataOf(golden.binary, 2);

describe("fitLogisticRegression", () => {
  test("of three classes has scikit-learn's coefficients to 2e-3 and probabilities to 2e-4", async () => {
    const head = await fitLogisticRegression(three, { c: golden.c });
    expect(largestDifference(head.weight_CD, golden.multinomial.weight_CD)).toBeLessThan(2e-3);
    expect(largestDifference(head.bias_C, golden.multinomial.bias_C)).toBeLessThan(2e-3);
    const probabilities = probabilitiesOf(headLogits(head, three.features_BD, width), 3);
    expect(largestDifference(probabilities, golden.multinomial.probabilities_BC)).toBeLessThan(2e-4);
  });

  test("takes scikit-learn's C of 10 when none is given", async () => {
    expect(await fitLogisticRegression(three)).toEqual(await fitLogisticRegression(three, { c: 10 }));
  });

  test("stays at its center where the penalty is large, and leaves it where the penalty is small", async () => {
    const center = {
      weight_CD: Float32Array.from({ length: 3 * width }, (_, index) => Math.sin(index)),
      bias_C: Float32Array.of(0.3, -0.2, 0),
    };
    const free = await fitLogisticRegression(three, { c: 10 });
    const held = await fitLogisticRegression(three, { c: 1e-6, center });
    expect(largestDifference(held.weight_CD, center.weight_CD)).toBeLessThan(1e-3);
    expect(largestDifference(free.weight_CD, center.weight_CD)).toBeGreaterThan(0.1);
    // A center of zeros is none.
    const zero = { weight_CD: new Float32Array(3 * width), bias_C: new Float32Array(3) };
    const ofZero = await fitLogisticRegression(three, { c: 10, center: zero });
    expect(largestDifference(ofZero.weight_CD, free.weight_CD)).toBeLessThan(2e-3);
  });

  // scikit-learn penalises one vector w of two classes, we both rows ±w/2: ‖w‖²/4 instead of ‖w‖²/2.
  test("of two classes is scikit-learn's of twice the C, its vector the difference of our rows", async () => {
    const head = await fitLogisticRegression(two, { c: golden.c });
    expect(golden.binary.c).toBe(2 * golden.c);
    const vector = Array.from(
      { length: width },
      (_, d) => at(head.weight_CD, width + d) - at(head.weight_CD, d),
    );
    expect(largestDifference(vector, golden.binary.weight_D)).toBeLessThan(2e-3);
    expect(at(head.bias_C, 1) - at(head.bias_C, 0)).toBeCloseTo(golden.binary.bias, 2);
    const probabilities = probabilitiesOf(headLogits(head, two.features_BD, width), 2);
    const second = golden.binary.probabilities_B.map((_, row) => at(probabilities, 2 * row + 1));
    expect(largestDifference(second, golden.binary.probabilities_B)).toBeLessThan(2e-4);
  });

  test.each([
    { name: "two", data: two },
    { name: "three", data: three },
  ])("of $name classes stands where the gradient of its objective vanishes", async ({ data }) => {
    expect(largestDifference(gradientAt(data, await fitLogisticRegression(data), 10), [])).toBeLessThan(2e-5);
  });

  test("started far from the optimum reaches the same", async () => {
    const cold = await fitLogisticRegression(three);
    const start = {
      weight_CD: cold.weight_CD.map((_, index) => 3 * Math.cos(index)),
      bias_C: Float32Array.of(2, -1, 0.5),
    };
    const warm = await fitLogisticRegression(three, { start });
    expect(largestDifference(warm.weight_CD, cold.weight_CD)).toBeLessThan(2e-3);
    const scores = (head: typeof cold) => probabilitiesOf(headLogits(head, three.features_BD, width), 3);
    expect(largestDifference(scores(warm), scores(cold))).toBeLessThan(2e-4);
  });

  test("started at the optimum stays there and leaves the given head as it was", async () => {
    const start = await fitLogisticRegression(three);
    const before = structuredClone(start);
    const again = await fitLogisticRegression(three, { start });
    expect(largestDifference(again.weight_CD, start.weight_CD)).toBeLessThan(1e-4);
    expect(start).toEqual(before);
  });

  test("of scores that are not all in memory at once is the same head", async () => {
    const whole = await fitLogisticRegression(three);
    const parts = await fitLogisticRegression(three, { scoresMax: 3 * 7 });
    expect(largestDifference(parts.weight_CD, whole.weight_CD)).toBeLessThan(1e-4);
    expect(largestDifference(parts.bias_C, whole.bias_C)).toBeLessThan(1e-4);
  });

  test("rejects with its signal's reason amid the iterations", async () => {
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    setImmediate(() => controller.abort(reason));
    await expect(fitLogisticRegression(three, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("gives the same numbers each time", async () => {
    expect(await fitLogisticRegression(three)).toEqual(await fitLogisticRegression(three));
  });

  test("answers with finite numbers where the classes are separable without limit", async () => {
    const features_BD = Float32Array.of(-1000, -999, 999, 1000);
    const head = await fitLogisticRegression({ features_BD, labels: [0, 0, 1, 1], width: 1, classes: 2 });
    expect([...head.weight_CD, ...head.bias_C].every(Number.isFinite)).toBe(true);
    const logits = headLogits(head, features_BD, 1);
    for (const [row, label] of [0, 0, 1, 1].entries()) {
      expect(at(logits, 2 * row + label)).toBeGreaterThan(at(logits, 2 * row + 1 - label));
    }
  });
});

function dataOf(part: { features_BD: number[]; labels: number[] }, classes: number): LabelledFeatures {
  return { features_BD: Float32Array.from(part.features_BD), labels: part.labels, width, classes };
}

/** Of (Σ loss)/n + ‖W‖²/(2Cn), worked out apart from the code under test: weights, then biases. */
function gradientAt(
  { features_BD, labels, classes }: LabelledFeatures,
  head: { weight_CD: Float32Array; bias_C: Float32Array },
  c: number,
): number[] {
  const probabilities = probabilitiesOf(headLogits(head, features_BD, width), classes);
  const errors = probabilities.map(
    (p, index) => p - (labels[Math.floor(index / classes)] === index % classes ? 1 : 0),
  );
  const mean = (term: (row: number) => number) =>
    labels.reduce((sum, _, row) => sum + term(row), 0) / labels.length;
  const weights = Array.from(head.weight_CD, (value, index) => {
    const [label, d] = [Math.floor(index / width), index % width];
    const fit = mean((row) => at(errors, row * classes + label) * at(features_BD, row * width + d));
    return fit + value / (c * labels.length);
  });
  const biases = Array.from(head.bias_C, (_, label) => mean((row) => at(errors, row * classes + label)));
  return [...weights, ...biases];
}

function probabilitiesOf(logits: Float32Array, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, row) => {
    const powers = Array.from(logits.subarray(row * classes, (row + 1) * classes), Math.exp);
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  }).flat();
}

/** Where `expected` ends, zeros are expected. */
function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Math.max(...Array.from(actual, (value, index) => Math.abs(value - (expected[index] ?? 0))));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
