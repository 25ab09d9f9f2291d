import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom, normal, shuffle } from "./random.ts";

const draw = (seed: number, count: number, from = createRandom(seed)) =>
  Array.from({ length: count }, () => from());

describe("createRandom", () => {
  test("gives the same numbers for the same seed and others for another", () => {
    expect(draw(3, 20)).toEqual(draw(3, 20));
    expect(draw(3, 20)).not.toEqual(draw(4, 20));
  });

  test("is uniform in [0, 1): every tenth gets its share to 3 %", () => {
    const counts = new Array<number>(10).fill(0);
    for (const value of draw(1, 100_000)) {
      expect(value >= 0 && value < 1).toBe(true);
      const tenth = Math.floor(value * 10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count / 10_000 - 1)).toBeLessThan(0.03);
  });
});

test("normal has mean 0 and deviation 1", () => {
  const random = createRandom(2);
  const values = Array.from({ length: 50_000 }, () => normal(random));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});

describe("shuffle", () => {
  test("keeps exactly the items and leaves the given array as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9)), fc.nat(), (items, seed) => {
        const before = [...items];
        const shuffled = shuffle(items, createRandom(seed));
        expect(items).toEqual(before);
        expect(shuffled.toSorted()).toEqual(before.toSorted());
      }),
    );
  });

  test("puts every item at every place equally often", () => {
    const random = createRandom(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6_000; i++) {
      const order = shuffle(["a", "b", "c"], random).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count / 1_000 - 1)).toBeLessThan(0.1);
  });
});
