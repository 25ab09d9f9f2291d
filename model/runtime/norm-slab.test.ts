import fc from "fast-check";
import { expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { startOfNorm } from "../encoder/relative-norm.ts";
import type { Norm } from "../encoder/weights.ts";
import { isScaleShift, NORM_SITES, type ScaleShift } from "../spt/adapter.ts";
import { NormSlab, OWN_NORMS } from "./norm-slab.ts";
import { NORM_PARTS } from "./serving-graph.ts";

const WIDTH = 4;
const own = (start: number) => ({
  gamma_D: Float32Array.of(start, start + 1, start + 2, start + 3),
  beta_D: Float32Array.of(-start, -start, -start, -start),
});
const NORMS = {
  attentionNorm: own(1),
  // A gamma of 0: nothing can be scaled from it.
  outputNorm: { ...own(10), gamma_D: Float32Array.of(0, 1, 2, 3) },
};

function aScaleShift(seed: number): ScaleShift {
  const adapter = makeRandomAdapter({ width: WIDTH, seed, classes: 2, generators: [], scaleShift: [0] });
  return adapter.insertions.find(isScaleShift) ?? expect.unreachable();
}

/** The four vectors of a row. */
const rowOf = (slab: NormSlab, row: number) =>
  NORM_SITES.flatMap((site) =>
    NORM_PARTS.map((part) => [...slab.table(site, part).data.subarray(row * WIDTH, (row + 1) * WIDTH)]),
  );

const STATE = Float32Array.of(-1.5, 0.3, 2, -0.1);
const apply = (state: Float32Array, scale: Float32Array, shift: Float32Array) =>
  state.map((value, d) => value * (scale[d] ?? 0) + (shift[d] ?? 0));
const sum = (one: Float32Array, other: Float32Array) => one.map((value, d) => value + (other[d] ?? 0));

/** A normalised state after each norm, by the rows of a slab. */
function throughSlab(slab: NormSlab, row: number): number[] {
  const [attentionScale, attentionShift, outputScale, outputShift] = rowOf(slab, row).map((vector) =>
    Float32Array.from(vector),
  );
  const start = ({ gamma_D, beta_D }: Norm) => apply(STATE, gamma_D, beta_D);
  return [
    ...apply(start(startOfNorm(NORMS.attentionNorm)), must(attentionScale), must(attentionShift)),
    ...apply(start(startOfNorm(NORMS.outputNorm)), must(outputScale), must(outputShift)),
  ];
}

/** The same by what scales and shifts are: changes of the backbone's own. */
function throughChanges({ attention, output }: ScaleShift): number[] {
  const { attentionNorm, outputNorm } = NORMS;
  return [
    ...apply(
      STATE,
      sum(attentionNorm.gamma_D, attention.scale_D),
      sum(attentionNorm.beta_D, attention.shift_D),
    ),
    ...apply(STATE, sum(outputNorm.gamma_D, output.scale_D), sum(outputNorm.beta_D, output.shift_D)),
  ];
}

const must = (vector: Float32Array | undefined) => vector ?? expect.unreachable();

test("the first row leaves a norm as it is, and each live one adds its adapter's changes, after any adding and removing", () => {
  const action = fc.oneof(fc.constant({ add: true as const }), fc.record({ remove: fc.nat(20) }));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
      const slab = new NormSlab(NORMS);
      const live = new Map<number, ScaleShift>();
      for (const [seed, step] of actions.entries()) {
        if ("remove" in step) {
          const row = [...live.keys()][step.remove % Math.max(1, live.size)];
          if (row === undefined) continue;
          slab.remove(row);
          live.delete(row);
        } else {
          const insertion = aScaleShift(seed);
          const row = slab.add(slab.relative(insertion));
          expect(live.has(row)).toBe(false);
          live.set(row, insertion);
        }
      }
      expect(live.has(OWN_NORMS)).toBe(false);
      const [scale, shift] = rowOf(slab, OWN_NORMS);
      expect([scale, shift]).toEqual([new Array(WIDTH).fill(1), new Array(WIDTH).fill(0)]);
      for (const [row, insertion] of live) {
        for (const [index, value] of throughChanges(insertion).entries())
          expect(throughSlab(slab, row)[index]).toBeCloseTo(value, 4);
        expect(slab.read(row)).toEqual(slab.relative(insertion));
      }
    }),
    { numRuns: 60 },
  );
});

test("a slab that grows replaces its arrays: a forward pass in flight keeps the ones it was given", () => {
  const slab = new NormSlab(NORMS);
  slab.add(slab.relative(aScaleShift(1)));
  const { data } = slab.table("output", "scale");
  const given = data.slice();
  slab.add(slab.relative(aScaleShift(2)));
  expect(data).toEqual(given);
  expect(slab.table("output", "scale").data).not.toBe(data);
});
