import fc from "fast-check";
import { expect, test } from "vitest";
import { headLogits } from "./head-logits.ts";

test("is weight · features + bias, row by row", () => {
  const head = { weight_CD: Float32Array.of(1, 2, 3, 4, 5, 6), bias_C: Float32Array.of(0.5, -0.5, 1) };
  const logits = headLogits(head, Float32Array.of(1, 0, 0, -1), 2);
  expect([...logits]).toEqual([1.5, 2.5, 6, -1.5, -4.5, -5]);
});

test("of any number of labels and rows is what one sum after another gives, to the last bit", () => {
  const value = fc.float({ min: -4, max: 4, noNaN: true });
  const sizes = fc.record({ classes: fc.nat(10), rows: fc.nat(3), width: fc.integer({ min: 1, max: 5 }) });
  const cases = sizes.chain(({ classes, rows, width }) =>
    fc.record({
      width: fc.constant(width),
      weights: fc.float32Array({ minLength: classes * width, maxLength: classes * width, noNaN: true }),
      biases: fc.array(value, { minLength: classes, maxLength: classes }),
      features: fc.array(value, { minLength: rows * width, maxLength: rows * width }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ width, weights, biases, features }) => {
      const head = { weight_CD: weights, bias_C: Float32Array.from(biases) };
      const expected = Array.from({ length: features.length / width }, (_, row) =>
        biases.map((bias, label) => {
          let sum = bias;
          for (let d = 0; d < width; d++) {
            sum += (weights[label * width + d] ?? 0) * (features[row * width + d] ?? 0);
          }
          return Math.fround(sum);
        }),
      );
      expect([...headLogits(head, Float32Array.from(features), width)]).toEqual(expected.flat());
    }),
  );
});
