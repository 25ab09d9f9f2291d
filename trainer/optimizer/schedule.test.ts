import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { warmupThenDecay } from "./schedule.ts";

const factors = (steps: number, share?: number) =>
  Array.from({ length: steps }, (_, step) => warmupThenDecay(step, steps, share));

describe("warmupThenDecay", () => {
  test("rises over the first tenth in equal steps, peaks at 1 and falls in equal steps to just above 0", () => {
    const rates = factors(20);
    expect(rates.slice(0, 3)).toEqual([0.5, 1, 1]);
    for (const [step, rate] of rates.slice(2).entries()) expect(rate).toBeCloseTo(1 - step / 18, 12);
    expect(rates.at(-1)).toBeCloseTo(1 / 18, 12);
  });

  test("warms up as long as it is told", () => {
    expect(factors(4, 0.5)).toEqual([0.5, 1, 1, 0.5]);
  });

  test("never leaves (0, 1], reaches 1, and rises no more once it has fallen", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, share) => {
          const rates = factors(steps, share);
          const peak = rates.indexOf(1);
          expect(peak).toBeGreaterThanOrEqual(0);
          for (const [step, rate] of rates.entries()) {
            expect(rate).toBeGreaterThan(0);
            expect(rate).toBeLessThanOrEqual(1);
            const next = rates[step + 1] ?? 0;
            if (step < peak) expect(next).toBeGreaterThan(rate);
            else expect(next).toBeLessThanOrEqual(rate);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
