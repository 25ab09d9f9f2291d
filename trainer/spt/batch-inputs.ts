// One batch of examples → the inputs of a training graph that do not train.
import type { EncoderConfig, Encoding } from "#model";
import {
  type PackedBatch,
  type PromptSlots,
  packTexts,
  placePrompts,
  poolingMatrix,
  positionFeeds,
  writeSlotRows,
} from "#model/encoder";
import { must } from "#model/graph";
import type { Feed } from "#model/runtime";
import { slotsOf } from "#model/spt";
import type { GeneratorShape } from "./generators.ts";

export interface BatchExample {
  readonly encoding: Encoding;
  /** The text's own frozen states entering the graph's first layer, [L, D]. */
  readonly states_LD: Float32Array;
}

export type Feeds = Record<string, Feed>;

/** The packed texts: states, what attention is told of their positions, pool. */
export function textInputs(
  examples: readonly BatchExample[],
  config: EncoderConfig,
): { batch: PackedBatch; feeds: Feeds } {
  const batch = packTexts(
    examples.map(({ encoding }) => encoding),
    config,
  );
  const grid = [batch.rows, batch.rowTokens];
  const positions = batch.rows * batch.rowTokens;
  return {
    batch,
    feeds: {
      states: { data: packStates(batch, examples, config.width), shape: [...grid, config.width] },
      ...positionFeeds(batch, config),
      pool: { data: poolingMatrix(batch, config.pooling), shape: [examples.length, positions] },
    },
  };
}

/**
 * What prompts need besides. Q = B·P prompt rows, in order of the texts, stand at U slots a row: slotsAt
 * [R, U] has each slot's prompt row, promptSegments [R, U] its text, promptsAt [Q] each prompt row's slot;
 * slots averages the texts for the generators.
 */
export function promptInputs(
  batch: PackedBatch,
  { promptTokens, pooling }: GeneratorShape,
): { prompts: PromptSlots; feeds: Feeds } {
  const texts = batch.placements.length;
  const prompts = placePrompts(batch, new Array<number>(texts).fill(promptTokens));
  const grid = [batch.rows, prompts.slots];
  const slots = slotsOf(pooling, promptTokens);
  return {
    prompts,
    feeds: {
      slots: { data: slotMatrix(batch, slots), shape: [texts * slots, batch.rows * batch.rowTokens] },
      slotsAt: { data: slotsAt(prompts, promptTokens), shape: grid },
      promptSegments: { data: prompts.segmentIds, shape: grid },
      promptsAt: { data: promptsAt(prompts, promptTokens), shape: [texts * promptTokens] },
    },
  };
}

/** Inputs of dual pairs: the sequences of each example's two texts, [B] each. */
export function pairInputs(examples: number): Feeds {
  const every = (part: number) => Int32Array.from({ length: examples }, (_, index) => 2 * index + part);
  return {
    firstAt: { data: every(0), shape: [examples] },
    secondAt: { data: every(1), shape: [examples] },
  };
}

/** Inputs of the contrastive loss: each text's positives weigh 1/n in all, n the texts that have any. */
export function contrastiveInputs(labels: readonly number[]): Feeds {
  const size = labels.length;
  const positives = new Float32Array(size * size);
  const self = new Float32Array(size * size);
  const others = labels.map((label, row) =>
    labels.flatMap((other, at) => (other === label && at !== row ? [at] : [])),
  );
  const anchors = others.filter(({ length }) => length > 0).length;
  for (const [row, columns] of others.entries()) {
    self[row * size + row] = SELF_BIAS;
    for (const column of columns) positives[row * size + column] = 1 / (columns.length * anchors);
  }
  const shape = [size, size];
  return { positives: { data: positives, shape }, self: { data: self, shape } };
}

/** exp of it is 0 in float32: a text is not among its own candidates. */
const SELF_BIAS = -10_000;

/** Input of the search graph alone. biasAt [R, T+U]: each key's row among [0; the Q presence biases]. */
export function searchInputs(batch: PackedBatch, prompts: PromptSlots, promptTokens: number): Feeds {
  const rowKeys = batch.rowTokens + prompts.slots;
  const biasAt = new Int32Array(batch.rows * rowKeys);
  for (const [promptRow, slot] of promptsAt(prompts, promptTokens).entries()) {
    const row = Math.floor(slot / prompts.slots);
    biasAt[row * rowKeys + batch.rowTokens + (slot % prompts.slots)] = promptRow + 1;
  }
  return { biasAt: { data: biasAt, shape: [batch.rows, rowKeys] } };
}

function packStates(batch: PackedBatch, examples: readonly BatchExample[], width: number): Float32Array {
  const states = new Float32Array(batch.rows * batch.rowTokens * width);
  for (const [index, { states_LD }] of examples.entries()) {
    states.set(states_LD, must(batch.placements[index], "placement").offset * width);
  }
  return states;
}

function slotMatrix(batch: PackedBatch, slots: number): Float32Array {
  const width = batch.rows * batch.rowTokens;
  const matrix = new Float32Array(batch.placements.length * slots * width);
  for (const [index, place] of batch.placements.entries()) {
    writeSlotRows(matrix, { at: index * slots, slots, place, width });
  }
  return matrix;
}

function slotsAt({ offsets, segmentIds }: PromptSlots, promptTokens: number): Int32Array {
  const at = new Int32Array(segmentIds.length);
  for (const [text, offset] of offsets.entries()) {
    for (let token = 0; token < promptTokens; token++) at[offset + token] = text * promptTokens + token;
  }
  return at;
}

function promptsAt({ offsets }: PromptSlots, promptTokens: number): Int32Array {
  const perText = offsets.map((offset) => Array.from({ length: promptTokens }, (_, token) => offset + token));
  return Int32Array.from(perText.flat());
}

/** One-hot targets, each example weighing 1/n: the loss is a mean. */
export function targetsOf(labels: readonly number[], classes: number, weight: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) targets[row * classes + label] = weight;
  return targets;
}
