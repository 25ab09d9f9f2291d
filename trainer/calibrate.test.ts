import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitTemperature, negativeLogLikelihood } from "./calibrate.ts";
import { createRandom, normal } from "./random.ts";

const CLASSES = 3;

/** Logits whose labels were drawn from softmax(logits / temperature). */
function drawnAt(temperature: number, { rows = 6_000, seed = 1 } = {}) {
  const random = createRandom(seed);
  const logits = Float32Array.from(
    { length: rows * CLASSES },
    () => 2 * normal(random) * Math.max(1, temperature),
  );
  const labels = Array.from({ length: rows }, (_, row) => {
    const powers = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES), (logit) =>
      Math.exp(logit / temperature),
    );
    let left = random() * powers.reduce((sum, power) => sum + power, 0);
    const label = powers.findIndex((power) => {
      left -= power;
      return left < 0;
    });
    return Math.max(0, label);
  });
  return { logits, labels };
}

describe("fitTemperature", () => {
  test.each([0.5, 1, 3])("recovers the temperature %d that labels were drawn at to 6 %", (temperature) => {
    const { logits, labels } = drawnAt(temperature);
    const fitted = fitTemperature(logits, labels, CLASSES);
    expect(Math.abs(fitted / temperature - 1)).toBeLessThan(0.06);
  });

  test("of few rows that are all right leaves doubt: no more than n rows can speak for", () => {
    for (const rows of [8, 40, 400]) {
      const logits = Float32Array.from({ length: rows * 2 }, (_, index) => (index % 2 === 0 ? 1 : -1));
      const labels = Array.from({ length: rows }, () => 0);
      const fitted = fitTemperature(logits, labels, 2);
      const probability = 1 / (1 + Math.exp(-2 / fitted));
      expect(probability).toBeCloseTo((rows + 1) / (rows + 2), 4);
    }
  });

  test("stands where the likelihood falls to both sides", () => {
    const { logits, labels } = drawnAt(2, { rows: 5_000, seed: 5 });
    const lossAt = (temperature: number) => negativeLogLikelihood(logits, labels, CLASSES, temperature);
    const fitted = fitTemperature(logits, labels, CLASSES);
    expect(lossAt(fitted)).toBeLessThan(lossAt(fitted * 1.02));
    expect(lossAt(fitted)).toBeLessThan(lossAt(fitted / 1.02));
  });

  test("of any logits and labels is within 0.05 and 20, so that it never changes which label wins", () => {
    const logit = fc.float({ min: -1_000, max: 1_000, noNaN: true });
    const rows = fc.array(fc.tuple(fc.tuple(logit, logit, logit), fc.nat(CLASSES - 1)), { maxLength: 20 });
    fc.assert(
      fc.property(rows, (examples) => {
        const logits = Float32Array.from(examples.flatMap(([values]) => values));
        const labels = examples.map(([, label]) => label);
        const fitted = fitTemperature(logits, labels, CLASSES);
        expect(fitted).toBeGreaterThanOrEqual(0.05);
        expect(fitted).toBeLessThanOrEqual(20);
        for (const [values] of examples) {
          const top = Math.max(...values);
          expect(Math.max(...values.map((value) => value / fitted))).toBe(top / fitted);
        }
      }),
    );
  });
});

test("negativeLogLikelihood is the mean of -log softmax(logits / temperature) at the label", () => {
  const logits = Float32Array.of(Math.log(8), 0, 0, 0);
  // Row 1: at temperature 3, 8^(1/3) = 2 against 1; row 2: even.
  const expected = (-Math.log(1 / 3) - Math.log(1 / 2)) / 2;
  expect(negativeLogLikelihood(logits, [1, 0], 2, 3)).toBeCloseTo(expected, 6);
});
