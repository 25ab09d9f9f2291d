import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { DATASET_ROWS_MAX } from "./dataset.ts";
import { foldsStratified, splitHalves } from "./split.ts";

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

describe("rows of one text", () => {
  /** Labels, and of each row a row that has its text. */
  const repeated = fc
    .array(fc.record({ label: fc.nat({ max: 3 }), text: fc.nat({ max: 8 }) }), { maxLength: 60 })
    .map((rows) => ({
      classes: rows.map(({ label }) => label),
      firstRows: rows.map(({ text }) => rows.findIndex((row) => row.text === text)),
    }));
  const folds = fc.integer({ min: 1, max: 5 });

  it("stand in one fold, class by class, unless a class has one text alone", () => {
    fc.assert(
      fc.property(repeated, folds, seed, ({ classes, firstRows }, count, state) => {
        const parts = foldsStratified(classes, count, createRandom(state), firstRows);
        expect(parts.flat().sort((a, b) => a - b)).toEqual([...classes.keys()]);
        const textsOf = (part: readonly number[], label: number) =>
          new Set(part.flatMap((index) => (classes[index] === label ? [firstRows[index]] : [])));
        for (const label of new Set(classes)) {
          const all = textsOf([...classes.keys()], label).size;
          const each = parts.map((part) => textsOf(part, label).size);
          if (all > 1) expect(each.reduce((sum, texts) => sum + texts, 0)).toBe(all);
        }
      }),
    );
  });

  it("leave no half without a class that has two texts", () => {
    fc.assert(
      fc.property(repeated, seed, ({ classes, firstRows }, state) => {
        const halves = splitHalves(classes, createRandom(state), firstRows);
        for (const label of new Set(classes)) {
          const texts = new Set(firstRows.filter((_, index) => classes[index] === label));
          if (texts.size < 2) continue;
          for (const half of halves) expect(half.some((index) => classes[index] === label)).toBe(true);
        }
      }),
    );
  });

  it("change nothing of a split that keeps them together anyway", () => {
    fc.assert(
      fc.property(labels, folds, seed, (classes, count, state) => {
        const alone = foldsStratified(classes, count, createRandom(state));
        expect(foldsStratified(classes, count, createRandom(state), [...classes.keys()])).toEqual(alone);
      }),
    );
  });

  it("of a class that is one text are spread", () => {
    expect(splitHalves([0, 0, 0, 0], createRandom(1), [0, 0, 0, 0]).map(({ length }) => length)).toEqual([
      2, 2,
    ]);
  });
});

describe("foldsStratified", () => {
  const folds = fc.integer({ min: 1, max: 12 });

  it("gives every index to one fold, ascending, even where there are more folds than examples", () => {
    fc.assert(
      fc.property(labels, folds, seed, (classes, count, state) => {
        const parts = foldsStratified(classes, count, createRandom(state));
        expect(parts).toHaveLength(count);
        for (const part of parts) expect(part).toEqual(part.toSorted((a, b) => a - b));
        expect(parts.flat().sort((a, b) => a - b)).toEqual([...classes.keys()]);
      }),
    );
  });

  it("the sizes of the folds differ by at most one, in every class and in the whole", () => {
    const spread = (sizes: number[]) => Math.max(...sizes) - Math.min(...sizes);
    fc.assert(
      fc.property(labels, folds, seed, (classes, count, state) => {
        const parts = foldsStratified(classes, count, createRandom(state));
        expect(spread(parts.map((part) => part.length))).toBeLessThanOrEqual(1);
        for (const label of new Set(classes)) {
          const sizes = parts.map((part) => part.filter((index) => classes[index] === label).length);
          expect(spread(sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it("takes a class as large as a dataset may be", () => {
    const classes = new Array<number>(DATASET_ROWS_MAX).fill(0);
    expect(foldsStratified(classes, 1, createRandom(3))).toEqual([[...classes.keys()]]);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %d folds", (count) => {
    expect(() => foldsStratified([0, 1], count, createRandom(1))).toThrow(`cannot split into ${count} folds`);
  });
});
