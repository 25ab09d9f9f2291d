import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseOutOfScope } from "./out-of-scope.ts";

/** Two classes; the larger logit is the score. */
const logitsOf = (scores: readonly number[]) =>
  Float32Array.from(
    scores.flatMap((score, row) => (row % 2 === 0 ? [score, score - 3] : [score - 1, score])),
  );
const upTo = (rows: number) => Array.from({ length: rows }, (_, row) => row / 4);

test("of 99 rows the threshold is the 5th smallest score, and 95 of 100 new texts are expected above it", () => {
  const chosen = chooseOutOfScope([logitsOf(upTo(99).toReversed())], 2);
  expect(chosen).toEqual({ below: 1, expectedInScopeRecall: 0.95, n: 99 });
});

test("there is none of fewer rows than can promise 95 of 100", () => {
  expect(chooseOutOfScope([logitsOf(upTo(18))], 2)).toBeUndefined();
  expect(chooseOutOfScope([logitsOf(upTo(19))], 2)).toMatchObject({ below: 0, expectedInScopeRecall: 0.95 });
});

test("of two estimates the threshold is the mean of theirs, and none where one has too few rows", () => {
  const [low, high] = [upTo(99), upTo(99).map((score) => score + 3)];
  expect(chooseOutOfScope([low, high].map(logitsOf), 2)?.below).toBe(1 + 3 / 2);
  expect(chooseOutOfScope([low, upTo(5)].map(logitsOf), 2)).toBeUndefined();
  expect(chooseOutOfScope([], 2)).toBeUndefined();
});

test("the rows themselves are kept as the share promises, whatever their scores", () => {
  const scores = fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: 19, maxLength: 300 });
  fc.assert(
    fc.property(scores, (values) => {
      const { below, expectedInScopeRecall } =
        chooseOutOfScope([logitsOf(values)], 2) ?? expect.unreachable();
      expect(values.filter((value) => value >= below).length / values.length).toBeGreaterThanOrEqual(0.95);
      expect(expectedInScopeRecall).toBeGreaterThanOrEqual(0.95);
      expect(expectedInScopeRecall).toBeLessThan(0.98);
    }),
  );
});
