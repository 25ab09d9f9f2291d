import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placeFirstFitDecreasing, ROW_TOKENS, writeSlotRows } from "./pack.ts";

describe("packing", () => {
  test("no two texts share a position, none crosses a row's end, no row is empty", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const { starts, rows, rowTokens } = placeFirstFitDecreasing(sizes);
        const taken = new Uint8Array(rows * rowTokens);
        for (const [index, size] of sizes.entries()) {
          const start = starts[index] ?? 0;
          expect(Math.floor(start / rowTokens)).toBe(Math.floor((start + size - 1) / rowTokens));
          for (let i = start; i < start + size; i++) taken[i] = (taken[i] ?? 0) + 1;
        }
        expect(Math.max(...taken)).toBe(1);
        for (let row = 0; row < rows; row++) expect(taken[row * rowTokens]).toBe(1);
      }),
    );
  });

  test("a batch smaller than a row takes only what it needs", () => {
    expect(placeFirstFitDecreasing([7])).toEqual({ starts: [0], rows: 1, rowTokens: 7 });
    expect(placeFirstFitDecreasing([100, 100]).rowTokens).toBe(ROW_TOKENS);
  });

  test("short texts fill rows to 90 % and more", () => {
    const sizes = Array.from({ length: 200 }, (_, index) => 8 + ((index * 37) % 40));
    const { rows, rowTokens } = placeFirstFitDecreasing(sizes);
    expect(sizes.reduce((sum, size) => sum + size, 0) / (rows * rowTokens)).toBeGreaterThan(0.9);
  });
});

test("slot rows cover every token of a text and each sums to one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 }), (length, slots) => {
      const matrix = new Float32Array(slots * 30);
      const place = { offset: 5, length, promptOffset: 5 + length, promptTokens: 0 };
      writeSlotRows(matrix, { at: 0, slots, place, width: 30 });
      for (let slot = 0; slot < slots; slot++) {
        expect(matrix.subarray(slot * 30, slot * 30 + 30).reduce((sum, value) => sum + value, 0)).toBeCloseTo(
          1,
          5,
        );
      }
      for (let position = 0; position < 30; position++) {
        const covered = Array.from({ length: slots }, (_, slot) => matrix[slot * 30 + position] ?? 0).some(
          Boolean,
        );
        expect(covered).toBe(position >= 5 && position < 5 + length);
      }
    }),
  );
});
