import { describe, expect, test } from "vitest";
import { createRandom } from "../../test/helpers/random.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type Feed, Session } from "../runtime/session.ts";
import type { GeneratorPooling } from "./adapter.ts";
import { generatePrompts, slotsOf } from "./prompt-generator.ts";

const WIDTH = 6;
const PROMPT_TOKENS = 3;
const BOTTLENECK = 4;
const TEXTS = 2;

interface Inputs {
  readonly pooled: Feed;
  readonly down: Feed;
  readonly up: Feed;
  readonly bias: Feed;
  readonly keep: Feed;
}

function drawInputs(pooling: GeneratorPooling): Inputs {
  const { normal } = createRandom(pooling.length);
  const slots = slotsOf(pooling, PROMPT_TOKENS);
  const draw = (shape: readonly number[]): Feed => ({
    data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, normal),
    shape,
  });
  return {
    pooled: draw([TEXTS, slots, WIDTH]),
    down: draw([WIDTH, BOTTLENECK]),
    up: draw([BOTTLENECK, (PROMPT_TOKENS * WIDTH) / slots]),
    bias: draw([PROMPT_TOKENS, WIDTH]),
    keep: draw([TEXTS, slots, BOTTLENECK]),
  };
}

/**
 * By the formula of adapter.ts, number by number: prompt p of a text reads slot p of its P slots, or
 * its only slot and the p-th run of D columns of `up`.
 */
function reference(inputs: Inputs, pooling: GeneratorPooling, dropout: boolean): number[] {
  const number = ({ data, shape }: Feed, ...at: number[]) =>
    data[at.reduce((index, coordinate, axis) => index * (shape[axis] ?? 0) + coordinate, 0)] ?? Number.NaN;
  const prompts: number[] = [];
  for (let text = 0; text < TEXTS; text++) {
    for (let token = 0; token < PROMPT_TOKENS; token++) {
      const slot = pooling === "mean" ? 0 : token;
      for (let d = 0; d < WIDTH; d++) {
        let sum = number(inputs.bias, token, d);
        for (let m = 0; m < BOTTLENECK; m++) {
          let inner = 0;
          for (let from = 0; from < WIDTH; from++) {
            inner += number(inputs.pooled, text, slot, from) * number(inputs.down, from, m);
          }
          const kept = dropout ? number(inputs.keep, text, slot, m) : 1;
          sum += Math.tanh(inner) * kept * number(inputs.up, m, pooling === "mean" ? token * WIDTH + d : d);
        }
        prompts.push(sum);
      }
    }
  }
  return prompts;
}

async function generated(inputs: Inputs, dropout: boolean): Promise<Float32Array> {
  const builder = new GraphBuilder();
  const { pooled, down, up, bias, keep } = inputs;
  const slots = pooled.shape[1] ?? 0;
  const prompts = generatePrompts(builder, builder.input("pooled", ["S", slots, WIDTH]), {
    weights: {
      down: builder.input("down", down.shape),
      up: builder.input("up", up.shape),
      bias: builder.input("bias", bias.shape),
    },
    promptTokens: PROMPT_TOKENS,
    ...(dropout ? { keep: builder.input("keep", ["S", slots, BOTTLENECK]) } : {}),
  });
  expect(prompts.shape).toEqual(["S", PROMPT_TOKENS, WIDTH]);
  builder.output("prompts", prompts);
  const session = await Session.create(builder.build(), { threads: 1 });
  try {
    const feeds = { pooled, down, up, bias, ...(dropout ? { keep } : {}) };
    return (await session.run(feeds, ["prompts"])).prompts;
  } finally {
    await session.close();
  }
}

describe.each(["mean", "slots"] as const)("prompts of pooling %s", (pooling) => {
  test.each([false, true])("equal the formula worked out number by number, dropout %s", async (dropout) => {
    const inputs = drawInputs(pooling);
    const expected = reference(inputs, pooling, dropout);
    const prompts = await generated(inputs, dropout);
    expect(prompts).toHaveLength(expected.length);
    for (const [index, value] of expected.entries()) expect(prompts[index]).toBeCloseTo(value, 4);
  });
});

test("a generator reads one slot when it pools by the mean, and one for each prompt token otherwise", () => {
  expect(slotsOf("mean", 5)).toBe(1);
  expect(slotsOf("slots", 5)).toBe(5);
});
