import fc from "fast-check";
import { expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { isScaleShift, NORM_SITES, type ScaleShift } from "../spt/adapter.ts";
import { NormSlab, OWN_NORMS } from "./norm-slab.ts";
import { NORM_PARTS } from "./serving-graph.ts";

const WIDTH = 4;
const own = (start: number) => ({
  gamma_D: Float32Array.of(start, start + 1, start + 2, start + 3),
  beta_D: Float32Array.of(-start, -start, -start, -start),
});
const NORMS = { attentionNorm: own(1), outputNorm: own(10) };

function aScaleShift(seed: number): ScaleShift {
  const adapter = makeRandomAdapter({ width: WIDTH, seed, classes: 2, generators: [], scaleShift: [0] });
  return adapter.insertions.find(isScaleShift) ?? expect.unreachable();
}

/** The four vectors of a row. */
const rowOf = (slab: NormSlab, row: number) =>
  NORM_SITES.flatMap((site) =>
    NORM_PARTS.map((part) => [...slab.table(site, part).data.subarray(row * WIDTH, (row + 1) * WIDTH)]),
  );

const ownRow = [NORMS.attentionNorm, NORMS.outputNorm].flatMap(({ gamma_D, beta_D }) => [
  [...gamma_D],
  [...beta_D],
]);

function expectedRow({ attention, output }: ScaleShift): number[][] {
  const sum = (backbone: Float32Array, change: Float32Array) =>
    Array.from(backbone, (value, d) => Math.fround(value + (change[d] ?? 0)));
  const { attentionNorm, outputNorm } = NORMS;
  return [
    sum(attentionNorm.gamma_D, attention.scale_D),
    sum(attentionNorm.beta_D, attention.shift_D),
    sum(outputNorm.gamma_D, output.scale_D),
    sum(outputNorm.beta_D, output.shift_D),
  ];
}

test("the first row is the backbone's own, and each live one that plus the adapter's, after any adding and removing", () => {
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
          const row = slab.add(slab.sumsOf(insertion));
          expect(live.has(row)).toBe(false);
          live.set(row, insertion);
        }
      }
      expect(live.has(OWN_NORMS)).toBe(false);
      expect(rowOf(slab, OWN_NORMS)).toEqual(ownRow);
      for (const [row, insertion] of live) {
        expect(rowOf(slab, row)).toEqual(expectedRow(insertion));
        expect(slab.read(row)).toEqual(slab.sumsOf(insertion));
      }
    }),
    { numRuns: 60 },
  );
});

test("a slab that grows replaces its arrays: a forward pass in flight keeps the ones it was given", () => {
  const slab = new NormSlab(NORMS);
  slab.add(slab.sumsOf(aScaleShift(1)));
  const { data } = slab.table("output", "scale");
  const given = data.slice();
  slab.add(slab.sumsOf(aScaleShift(2)));
  expect(data).toEqual(given);
  expect(slab.table("output", "scale").data).not.toBe(data);
});
