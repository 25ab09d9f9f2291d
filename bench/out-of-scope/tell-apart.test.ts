import fc from "fast-check";
import { expect, it } from "vitest";
import { areaUnderRoc, shareBelowQuantile } from "./tell-apart.ts";

const scores = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 });

it("the area is the share of pairs that stand in the right order, equal ones half", () => {
  expect(areaUnderRoc([3, 4], [1, 2])).toBe(1);
  expect(areaUnderRoc([1, 2], [3, 4])).toBe(0);
  fc.assert(
    fc.property(scores, scores, (high, low) => {
      const pairs = high.flatMap((one) => low.map((other) => (one > other ? 1 : one === other ? 0.5 : 0)));
      const mean = pairs.reduce((sum: number, pair) => sum + pair, 0) / pairs.length;
      expect(areaUnderRoc(high, low)).toBeCloseTo(mean, 9);
    }),
  );
});

it("the share is of those below the score that 5 of 100 of the others lie below", () => {
  const high = Array.from({ length: 100 }, (_, index) => index);
  expect(shareBelowQuantile(high, [4, 4.5, 5, 99], 0.05)).toBe(0.5);
});
