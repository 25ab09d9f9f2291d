import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_SLOT } from "./encoder.ts";
import { placeEvenly, placePrompts, ROW_TOKENS, writeSlotRows } from "./pack.ts";

describe("packing", () => {
  test("no two texts share a position, none crosses a row's end, no row is empty", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const { starts, rows, rowTokens } = placeEvenly(sizes);
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
    expect(placeEvenly([7])).toEqual({ starts: [0], rows: 1, rowTokens: 7 });
    expect(placeEvenly([7, 9])).toMatchObject({ rows: 1, rowTokens: 16 });
  });

  test("rows are as long as the longest text needs, longer only where that saves more than it costs, about ROW_TOKENS where texts are shorter", () => {
    expect(placeEvenly([1000, 900, 100])).toMatchObject({ rows: 2, rowTokens: 1000 });
    expect(placeEvenly([300, 100, 100])).toMatchObject({ rows: 1, rowTokens: 500 });
    expect(placeEvenly([182, 10, 12])).toMatchObject({ rows: 1, rowTokens: 204 });
    const short = Array.from({ length: 200 }, (_, index) => 5 + (index % 20));
    expect(Math.abs(placeEvenly(short).rowTokens - ROW_TOKENS)).toBeLessThan(ROW_TOKENS / 8);
  });

  test("short texts fill rows to 97 % and more", () => {
    const sizes = Array.from({ length: 200 }, (_, index) => 8 + ((index * 37) % 40));
    const { rows, rowTokens } = placeEvenly(sizes);
    expect(sizes.reduce((sum, size) => sum + size, 0) / (rows * rowTokens)).toBeGreaterThan(0.97);
  });
});

test("prompt slots are of their text's row and segment, each of one text, the rest empty", () => {
  const texts = fc.array(fc.record({ row: fc.nat(4), count: fc.nat(5) }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(texts, (items) => {
      const placements = items.map(({ row }) => ({ row, offset: 0, length: 1 }));
      const counts = items.map(({ count }) => count);
      const { slots, offsets, segmentIds } = placePrompts({ rows: 5, placements }, counts);
      expect(segmentIds).toHaveLength(5 * slots);
      const expected = new Int32Array(5 * slots).fill(EMPTY_SLOT);
      for (const [text, { row, count }] of items.entries()) {
        for (let token = 0; token < count; token++) {
          const slot = (offsets[text] ?? 0) + token;
          expect(Math.floor(slot / slots)).toBe(row);
          expect(expected[slot]).toBe(EMPTY_SLOT);
          expected[slot] = text;
        }
      }
      expect(segmentIds).toEqual(expected);
    }),
  );
});

test("slot rows cover every token of a text and each sums to one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 }), (length, slots) => {
      const matrix = new Float32Array(slots * 30);
      const place = { row: 0, offset: 5, length };
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
