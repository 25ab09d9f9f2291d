// One batch of examples → the inputs of a training graph that do not train.
import type { EncoderConfig, Encoding } from "#model";
import {
  type PackedBatch,
  type PromptSlots,
  packTexts,
  placePrompts,
  poolingMatrix,
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

/**
 * Inputs both graphs share. Q = B·P prompt rows, in order of the texts, stand at U slots a row:
 * slotsAt [R, U] has each slot's prompt row, promptSegments [R, U] its text, promptsAt [Q] each prompt
 * row's slot.
 */
export function batchInputs(
  examples: readonly BatchExample[],
  config: EncoderConfig,
  shape: GeneratorShape,
): { batch: PackedBatch; prompts: PromptSlots; feeds: Feeds } {
  const batch = packTexts(
    examples.map(({ encoding }) => encoding),
    config,
  );
  const prompts = placePrompts(
    batch,
    examples.map(() => shape.promptTokens),
  );
  const promptGrid = [batch.rows, prompts.slots];
  const grid = [batch.rows, batch.rowTokens];
  const positions = batch.rows * batch.rowTokens;
  const slots = slotsOf(shape.pooling, shape.promptTokens);
  return {
    batch,
    prompts,
    feeds: {
      states: { data: packStates(batch, examples, shape.width), shape: [...grid, shape.width] },
      segmentIds: { data: batch.segmentIds, shape: grid },
      pool: { data: poolingMatrix(batch, config.pooling), shape: [examples.length, positions] },
      slots: { data: slotMatrix(batch, slots), shape: [examples.length * slots, positions] },
      slotsAt: { data: slotsAt(prompts, shape.promptTokens), shape: promptGrid },
      promptSegments: { data: prompts.segmentIds, shape: promptGrid },
      promptsAt: {
        data: promptsAt(prompts, shape.promptTokens),
        shape: [examples.length * shape.promptTokens],
      },
    },
  };
}

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
