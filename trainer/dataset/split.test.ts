import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { splitHalves } from "./split.ts";

const labels = fc.array(fc.nat({ max: 5 }), { maxLength: 100 });
const seed = fc.nat();

describe("splitHalves", () => {
  it("gives every index to one half, ascending", () => {
    fc.assert(
      fc.property(labels, seed, (classes, state) => {
        const halves = splitHalves(classes, createRandom(state));
        for (const half of halves) expect(half).toEqual(half.toSorted((a, b) => a - b));
        expect(halves.flat().sort((a, b) => a - b)).toEqual([...classes.keys()]);
      }),
    );
  });

  it("divides every class, and the whole, evenly within one", () => {
    fc.assert(
      fc.property(labels, seed, (classes, state) => {
        const [first, second] = splitHalves(classes, createRandom(state));
        expect(Math.abs(first.length - second.length)).toBeLessThanOrEqual(1);
        for (const label of new Set(classes)) {
          const count = (half: number[]) => half.filter((index) => classes[index] === label).length;
          expect(Math.abs(count(first) - count(second))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it("depends on the seed alone", () => {
    fc.assert(
      fc.property(labels, seed, (classes, state) => {
        expect(splitHalves(classes, createRandom(state))).toEqual(splitHalves(classes, createRandom(state)));
      }),
    );
    const classes = Array.from({ length: 40 }, () => 0);
    expect(splitHalves(classes, createRandom(1))).not.toEqual(splitHalves(classes, createRandom(2)));
  });
});
