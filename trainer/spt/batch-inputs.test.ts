import { describe, expect, test } from "vitest";
import { parseBackbone } from "#model";
import { must } from "#model/graph";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { contrastiveInputs, promptInputs, searchInputs, targetsOf, textInputs } from "./batch-inputs.ts";

const { config, tokenizer } = parseBackbone("tiny", makeTinyBackbone({ layers: 1 }));
const PROMPT_TOKENS = 3;
const examples = ["please help me with my order today", "hi"].map((text, index) => {
  const encoding = tokenizer.encode(text);
  return { encoding, states_LD: new Float32Array(encoding.tokenIds.length * config.width).fill(index + 1) };
});

function inputsOf(pooling: "mean" | "slots") {
  const { batch, feeds } = textInputs(examples, config);
  const shape = { width: config.width, promptTokens: PROMPT_TOKENS, bottleneck: 2, pooling, readsText: true };
  const { prompts, feeds: promptFeeds } = promptInputs(batch, shape);
  return { batch, prompts, feeds: { ...feeds, ...promptFeeds } };
}

function rowsOf({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }): number[][] {
  const [rows = 0, columns = 0] = shape;
  return Array.from({ length: rows }, (_, row) => Array.from(data).slice(row * columns, (row + 1) * columns));
}

describe("the inputs of a training graph", () => {
  test("average, for pooling mean, each text over all of its own tokens and no other position", () => {
    const { batch, feeds } = inputsOf("mean");
    const rows = rowsOf(must(feeds.slots, "slots"));
    expect(rows).toHaveLength(examples.length);
    for (const [text, row] of rows.entries()) {
      const { offset, length } = must(batch.placements[text], "placement");
      const expected = row.map((_, at) =>
        at >= offset && at < offset + length ? Math.fround(1 / length) : 0,
      );
      expect(row).toEqual(expected);
    }
  });

  test("average, for pooling slots, each text in P near-equal runs that cover it in order", () => {
    const { batch, feeds } = inputsOf("slots");
    const rows = rowsOf(must(feeds.slots, "slots"));
    expect(rows).toHaveLength(examples.length * PROMPT_TOKENS);
    for (const [text, { offset, length }] of batch.placements.entries()) {
      const runs = rows.slice(text * PROMPT_TOKENS, (text + 1) * PROMPT_TOKENS).map((row) => {
        const run = row.flatMap((weight, at) => (weight > 0 ? [at - offset] : []));
        expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
        expect(new Set(row.filter((weight) => weight > 0)).size).toBe(1);
        expect(Math.abs(run.length - length / PROMPT_TOKENS)).toBeLessThan(2);
        return run;
      });
      expect([...new Set(runs.flat())]).toEqual(Array.from({ length }, (_, token) => token));
    }
  });

  test("hold each text's states at its own positions, and nothing elsewhere", () => {
    const { batch, feeds } = inputsOf("mean");
    const { data } = must(feeds.states, "states");
    const expected = new Float32Array(data.length);
    for (const [text, { offset, length }] of batch.placements.entries()) {
      expected.fill(text + 1, offset * config.width, (offset + length) * config.width);
    }
    expect(data).toEqual(expected);
  });

  test("give each prompt row a slot of its text's segment, and each slot its row back", () => {
    const { batch, prompts, feeds } = inputsOf("mean");
    const { data: rowsAt } = must(feeds.promptsAt, "promptsAt");
    const { data: slotsAt } = must(feeds.slotsAt, "slotsAt");
    expect(new Set(rowsAt).size).toBe(examples.length * PROMPT_TOKENS);
    const { biasAt } = searchInputs(batch, prompts, PROMPT_TOKENS);
    const biases = rowsOf(must(biasAt, "biasAt"));
    expect(biases.flat().filter((at) => at > 0)).toHaveLength(rowsAt.length);
    for (const [promptRow, slot] of rowsAt.entries()) {
      expect(slotsAt[slot]).toBe(promptRow);
      expect(prompts.segmentIds[slot]).toBe(Math.floor(promptRow / PROMPT_TOKENS));
      const [row, at] = [Math.floor(slot / prompts.slots), slot % prompts.slots];
      expect(biases[row]?.[batch.rowTokens + at]).toBe(promptRow + 1);
    }
  });
});

test("targets are one-hot rows of the given weight", () => {
  expect([...targetsOf([2, 0], 3, 0.5)]).toEqual([0, 0, 0.5, 0.5, 0, 0]);
});

test("the contrastive loss is a mean over the texts that have a positive, none of them themselves", () => {
  const { positives, self } = contrastiveInputs([5, 2, 5, 5, 7]);
  const rows = rowsOf(must(positives, "positives"));
  const sixth = Math.fround(1 / 6);
  expect(rows[0]).toEqual([0, 0, sixth, sixth, 0]);
  expect(rows.flat().reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
  for (const lone of [1, 4]) expect(new Set(rows[lone])).toEqual(new Set([0]));
  for (const [row, weights] of rowsOf(must(self, "self")).entries()) {
    expect(weights.map((bias) => bias < 0)).toEqual(weights.map((_, column) => column === row));
    expect(rows[row]?.[row]).toBe(0);
  }
});
