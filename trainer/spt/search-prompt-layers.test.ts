import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GATE_REJECTED_BELOW, selectPromptLayers } from "./search-prompt-layers.ts";

describe("selectPromptLayers", () => {
  test("keeps the layers of the largest gates, in the order of the layers", () => {
    expect(selectPromptLayers([0.6, 0.9, 0.55, 0.95, 0.7], 3)).toEqual([1, 3, 4]);
  });

  test("drops a rejected gate even where there is room, and keeps one exactly at the limit", () => {
    expect(selectPromptLayers([GATE_REJECTED_BELOW - 0.01, GATE_REJECTED_BELOW, 0.8], 3)).toEqual([1, 2]);
  });

  test("keeps the best layer even when every gate is rejected", () => {
    expect(selectPromptLayers([0.1, 0.3, 0.2], 2)).toEqual([1]);
  });

  test("prefers the lower of two layers whose gates are equal", () => {
    expect(selectPromptLayers([0.5, 0.5, 0.5, 0.5], 2)).toEqual([0, 1]);
  });

  test("of any gates keeps 1 … most, ascending, none of them worse than one left out", () => {
    const gates = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(gates, fc.integer({ min: 1, max: 24 }), (values, most) => {
        const selected = selectPromptLayers(values, most);
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
