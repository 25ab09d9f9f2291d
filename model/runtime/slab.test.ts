import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { type GeneratorPooling, isPromptGenerator, type PromptGenerator } from "../spt/adapter.ts";
import { Slab } from "./slab.ts";

const WIDTH = 4;

function aGenerator(pooling: GeneratorPooling, promptTokens: number, bottleneck: number, seed = 1) {
  const generators = [{ layer: 0, pooling, promptTokens, bottleneck }];
  const { insertions } = makeRandomAdapter({ width: WIDTH, seed, classes: 2, generators });
  return insertions.find(isPromptGenerator) ?? expect.unreachable();
}

const POOLED = Array.from({ length: 32 }, (_, slot) =>
  Array.from({ length: WIDTH }, (_, d) => Math.sin(1 + slot * WIDTH + d)),
);

/** All rows a slot of the slab yields; a text has as many slots as its own generator reads, then zeros. */
function promptsOf(slab: Slab, slot: number, own: { promptTokens: number }): number[][] {
  const bottleneck = slab.down.shape[2] ?? 0;
  const columns = slab.up.shape[2] ?? 0;
  return prompts(slab.pooling, own.promptTokens, {
    bottleneck,
    columns,
    promptTokens: slab.promptTokens,
    down: slab.down.data.subarray(slot * WIDTH * bottleneck),
    up: slab.up.data.subarray(slot * bottleneck * columns),
    bias: slab.bias.data.subarray(slot * slab.promptTokens * WIDTH),
  });
}

/** What the generator itself yields. */
function ownPrompts({ pooling, promptTokens, bottleneck, ...weights }: PromptGenerator): number[][] {
  return prompts(pooling, promptTokens, {
    bottleneck,
    promptTokens,
    columns: pooling === "mean" ? promptTokens * WIDTH : WIDTH,
    down: weights.down_DM,
    up: weights.up_ME,
    bias: weights.bias_PD,
  });
}

function prompts(
  pooling: GeneratorPooling,
  filled: number,
  w: {
    bottleneck: number;
    columns: number;
    promptTokens: number;
    down: Float32Array;
    up: Float32Array;
    bias: Float32Array;
  },
): number[][] {
  return Array.from({ length: w.promptTokens }, (_, token) => {
    const slot = pooling === "mean" ? 0 : token;
    const pooled = slot < filled ? POOLED[slot] : undefined;
    const hidden = Array.from({ length: w.bottleneck }, (_, m) =>
      Math.tanh((pooled ?? []).reduce((sum, x, d) => sum + x * (w.down[d * w.bottleneck + m] ?? 0), 0)),
    );
    const column = pooling === "mean" ? token * WIDTH : 0;
    return Array.from({ length: WIDTH }, (_, d) =>
      hidden.reduce(
        (sum, h, m) => sum + h * (w.up[m * w.columns + column + d] ?? Number.NaN),
        w.bias[token * WIDTH + d] ?? Number.NaN,
      ),
    );
  });
}

const poolings = ["mean", "slots"] as const;

describe.each(poolings)("a slab of pooling %s", (pooling) => {
  test("that widens for a larger generator leaves earlier ones' prompts exactly as they were", () => {
    const slab = new Slab(pooling, WIDTH);
    const small = aGenerator(pooling, 2, 3, 1);
    const slot = slab.add(small);
    const before = promptsOf(slab, slot, small);
    expect(before).toEqual(ownPrompts(small));
    slab.add(aGenerator(pooling, 5, 7, 2));
    const after = promptsOf(slab, slot, small);
    expect(after.slice(0, 2)).toEqual(before);
    expect(after.slice(2)).toEqual(Array.from({ length: 3 }, () => new Array(WIDTH).fill(0)));
  });

  test("holds every live generator's exact weights and prompts after any adding and removing, surplus rows zero", () => {
    const action = fc.oneof(
      fc.record({ tokens: fc.integer({ min: 1, max: 5 }), bottleneck: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ remove: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
        const slab = new Slab(pooling, WIDTH);
        const live = new Map<number, PromptGenerator>();
        for (const [seed, step] of actions.entries()) {
          if ("remove" in step) {
            const slot = [...live.keys()][step.remove % Math.max(1, live.size)];
            if (slot === undefined) continue;
            slab.remove(slot);
            live.delete(slot);
          } else {
            const generator = aGenerator(pooling, step.tokens, step.bottleneck, seed);
            const slot = slab.add(generator);
            expect(live.has(slot)).toBe(false);
            live.set(slot, generator);
          }
        }
        for (const [slot, generator] of live) {
          const surplus = slab.promptTokens - generator.promptTokens;
          const zeros = Array.from({ length: surplus }, () => new Array(WIDTH).fill(0));
          expect(promptsOf(slab, slot, generator)).toEqual([...ownPrompts(generator), ...zeros]);
          expect(slab.read(slot)).toEqual(generator);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("gives a freed slot to the next generator instead of growing", () => {
    const slab = new Slab(pooling, WIDTH);
    const slots = [1, 2, 3, 4].map((seed) => slab.add(aGenerator(pooling, 2, 3, seed)));
    const { bytes } = slab;
    slab.remove(slots[1] ?? 0);
    const next = aGenerator(pooling, 1, 2, 9);
    expect(slab.add(next)).toBe(slots[1]);
    expect(slab.bytes).toBe(bytes);
    expect(promptsOf(slab, slots[1] ?? 0, next).slice(0, 1)).toEqual(ownPrompts(next));
  });

  test("that widens replaces its arrays: a forward pass in flight keeps the ones it was given", () => {
    const slab = new Slab(pooling, WIDTH);
    slab.add(aGenerator(pooling, 2, 3, 1));
    const { down, up, bias } = slab;
    const given = [down, up, bias].map(({ data }) => data.slice());
    slab.add(aGenerator(pooling, 3, 4, 2));
    expect([down, up, bias].map(({ data }) => data)).toEqual(given);
    expect(slab.down.data).not.toBe(down.data);
  });
});
