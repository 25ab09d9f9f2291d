import fc from "fast-check";
import { expect, test } from "vitest";
import { sampleEvenly } from "./sample-evenly.ts";

test("keeps a short history whole", () => {
  expect(sampleEvenly([], 5)).toEqual([]);
  expect(sampleEvenly([3, 1, 2], 3)).toEqual([3, 1, 2]);
});

test("keeps first and last, in order and evenly spaced, and no more than asked for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 60 }), (length, most) => {
      const steps = Array.from({ length }, (_, index) => index);
      const kept = sampleEvenly(steps, most);
      expect(kept).toHaveLength(Math.min(length, most));
      expect([kept[0], kept.at(-1)]).toEqual([0, length - 1]);
      const gaps = kept.slice(1).map((step, index) => step - (kept[index] ?? 0));
      if (gaps.length === 0) return;
      expect(Math.min(...gaps)).toBeGreaterThan(0);
      expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
    }),
  );
});
