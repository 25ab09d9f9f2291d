import fc from "fast-check";
import { expect, it } from "vitest";
import { figure } from "./format.ts";
import { spread } from "./line-plot.ts";
import { ticksOf } from "./plot.ts";

it("ticks are round, evenly spaced, within the axis, and few", () => {
  expect(ticksOf({ from: 0, to: 1 })).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksOf({ from: 0, to: 96 })).toEqual([0, 20, 40, 60, 80]);
  const end = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(end, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (from, length) => {
      const ticks = ticksOf({ from, to: from + length });
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThanOrEqual(7);
      for (const tick of ticks) {
        expect(tick).toBeGreaterThanOrEqual(from - length * 1e-6);
        expect(tick).toBeLessThanOrEqual(from + length * (1 + 1e-6));
      }
    }),
  );
});

it("names that would lie on each other are moved apart, and stay in the plot and in order", () => {
  expect(spread([10, 50], 13, 100)).toEqual([10, 50]);
  expect(spread([10, 11, 12], 13, 100)).toEqual([10, 23, 36]);
  expect(spread([98, 99, 100], 13, 100)).toEqual([74, 87, 100]);
});

it("figures show three digits that count, and never an exponent", () => {
  expect([0, 0.012345, 0.5, 12.345, 12345.6, 1e-9].map(figure)).toEqual([
    ...["0", "0.0123", "0.500", "12.3", "12346", "0.000000"],
  ]);
});
