import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GATE_REJECTED_BELOW, type Gate, selectInsertions } from "./search-insertions.ts";

/** Gates of prompt generators, one a layer, then of scales and shifts. */
const gatesOf = (prompts: readonly number[], scales: readonly number[] = []): Gate[] => [
  ...prompts.map((value, layer) => ({ kind: "prompt_generator", layer, value }) as const),
  ...scales.map((value, layer) => ({ kind: "scale_shift", layer, value }) as const),
];
const layersOf = (gates: readonly number[], most: number) =>
  selectInsertions(gatesOf(gates), most).map(({ layer }) => layer);

describe("selectInsertions", () => {
  test("keeps those of the largest gates, in the order of the layers", () => {
    expect(layersOf([0.6, 0.9, 0.55, 0.95, 0.7], 3)).toEqual([1, 3, 4]);
  });

  test("chooses nothing, either kind or both at a layer, under one budget", () => {
    expect(selectInsertions(gatesOf([0.4, 0.9, 0.3], [0.8, 0.7, 0.2]), 3)).toEqual([
      { kind: "scale_shift", layer: 0 },
      { kind: "prompt_generator", layer: 1 },
      { kind: "scale_shift", layer: 1 },
    ]);
  });

  test("drops a rejected gate even where there is room, and keeps one exactly at the limit", () => {
    expect(layersOf([GATE_REJECTED_BELOW - 0.01, GATE_REJECTED_BELOW, 0.8], 3)).toEqual([1, 2]);
  });

  test("keeps the best even when every gate is rejected", () => {
    expect(layersOf([0.1, 0.3, 0.2], 2)).toEqual([1]);
  });

  test("prefers the lower of two layers whose gates are equal", () => {
    expect(layersOf([0.5, 0.5, 0.5, 0.5], 2)).toEqual([0, 1]);
  });

  test("of any gates keeps 1 … most, ascending, none of them worse than one left out", () => {
    const gates = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(gates, fc.integer({ min: 1, max: 24 }), (values, most) => {
        const selected = layersOf(values, most);
        expect(selected.length).toBeGreaterThanOrEqual(1);
        expect(selected.length).toBeLessThanOrEqual(most);
        expect(selected).toEqual([...new Set(selected)].sort((a, b) => a - b));
        const worst = Math.min(...selected.map((layer) => values[layer] ?? Number.NaN));
        const left = values.filter((_, layer) => !selected.includes(layer));
        for (const gate of left) expect(gate <= worst).toBe(true);
        if (selected.length < most) for (const gate of left) expect(gate < 0.5).toBe(true);
      }),
    );
  });
});
