// One batch of examples → the inputs of a training graph that do not train.
import type { EncoderConfig, Encoding } from "#model";
import { type PackedBatch, packTexts, poolingMatrix, writeSlotRows } from "#model/encoder";
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

/** Inputs both graphs share: states, segmentIds, pool, slots, place. */
export function batchInputs(
  examples: readonly BatchExample[],
  config: EncoderConfig,
  shape: GeneratorShape,
): { batch: PackedBatch; feeds: Feeds } {
  const batch = packTexts(
    examples.map(({ encoding }) => ({ ...encoding, promptTokens: shape.promptTokens })),
    config,
  );
  const grid = [batch.rows, batch.rowTokens];
  const positions = batch.rows * batch.rowTokens;
  const slots = slotsOf(shape.pooling, shape.promptTokens);
  return {
    batch,
    feeds: {
      states: { data: packStates(batch, examples, shape.width), shape: [...grid, shape.width] },
      segmentIds: { data: batch.segmentIds, shape: grid },
      pool: { data: poolingMatrix(batch, config.pooling), shape: [examples.length, positions] },
      slots: { data: slotMatrix(batch, slots), shape: [examples.length * slots, positions] },
      place: { data: placeIndices(batch, positions), shape: grid },
    },
  };
}

/** Inputs of the search graph alone: where prompts stand, so that gates can weigh them. */
export function searchInputs(batch: PackedBatch): Feeds {
  const positions = batch.rows * batch.rowTokens;
  const promptAt = batch.placements.flatMap(({ promptOffset, promptTokens }) =>
    Array.from({ length: promptTokens }, (_, token) => promptOffset + token),
  );
  const biasAt = new Int32Array(positions);
  for (const [row, position] of promptAt.entries()) biasAt[position] = row + 1;
  return {
    promptAt: { data: Int32Array.from(promptAt), shape: [promptAt.length] },
    biasAt: { data: biasAt, shape: [batch.rows, batch.rowTokens] },
  };
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

/** Prompt positions take the new prompt rows, which stand after the states in order of the texts. */
function placeIndices(batch: PackedBatch, positions: number): Int32Array {
  const place = Int32Array.from({ length: positions }, (_, position) => position);
  let row = positions;
  for (const { promptOffset, promptTokens } of batch.placements) {
    for (let token = 0; token < promptTokens; token++) place[promptOffset + token] = row++;
  }
  return place;
}

/** One-hot targets, each example weighing 1/n: the loss is a mean. */
export function targetsOf(labels: readonly number[], classes: number, weight: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) targets[row * classes + label] = weight;
  return targets;
}
