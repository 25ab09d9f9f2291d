// What the phases of a training share: the examples as token ids, their frozen states, their classes.
import { type Backbone, type Encoding, type Head, type PairMode, transpose } from "#model";
import { must } from "#model/graph";
import { slotsOf } from "#model/spt";
import type { StatesSource } from "../frozen-encoder.ts";
import { partsOf } from "../pair-mode.ts";
import { shuffle } from "../random.ts";
import type { BatchExample, Feeds } from "./batch-inputs.ts";
import type { GeneratorShape } from "./generators.ts";
import type { Parameter } from "./insertions.ts";
import { HEAD_INPUTS, keepInput } from "./spt-graph.ts";

export interface TrainingData {
  readonly backbone: Backbone;
  /** Sequences: one an example, or two for dual pairs, side by side. */
  readonly encodings: readonly Encoding[];
  readonly pairMode: PairMode;
  readonly labels: readonly number[];
  readonly classes: number;
}

/** The head as it trains: [D, C], the transpose of an adapter's. */
export interface TrainableHead {
  readonly weight_DC: Float32Array;
  readonly bias_C: Float32Array;
}

export function trainableHead({ weight_CD, bias_C }: Head): TrainableHead {
  return {
    weight_DC: transpose(weight_CD, bias_C.length, weight_CD.length / bias_C.length),
    bias_C: bias_C.slice(),
  };
}

export function adapterHead({ weight_DC, bias_C }: TrainableHead): Head {
  return {
    weight_CD: transpose(weight_DC, weight_DC.length / bias_C.length, bias_C.length),
    bias_C: bias_C.slice(),
  };
}

/** The sequences of some examples, with their states. */
export async function batchExamples(
  data: TrainingData,
  indices: readonly number[],
  states: StatesSource,
): Promise<BatchExample[]> {
  const parts = partsOf(data.pairMode);
  const sequences = indices.flatMap((index) =>
    Array.from({ length: parts }, (_, part) => parts * index + part),
  );
  const batchStates = await states(sequences);
  return sequences.map((index, at) => ({
    encoding: must(data.encodings[index], "encoding"),
    states_LD: must(batchStates[at], "states"),
  }));
}

export function parameterFeeds(parameters: readonly Parameter[]): Feeds {
  return Object.fromEntries(parameters.map(({ name, value, shape }) => [name, { data: value, shape }]));
}

export function headParameters({ weight_DC, bias_C }: TrainableHead): Parameter[] {
  const classes = bias_C.length;
  const shape = [weight_DC.length / classes, classes];
  return [
    { name: HEAD_INPUTS[0], value: weight_DC, shape, decay: true, rateFactor: 1 },
    { name: HEAD_INPUTS[1], value: bias_C, shape: [classes], decay: false, rateFactor: 1 },
  ];
}

/** Inverted dropout of the bottlenecks: each entry 0 or 1/(1-rate). */
export function keepFeeds(
  layers: readonly number[],
  shape: GeneratorShape,
  { texts, rate, random }: { texts: number; rate: number; random: () => number },
): Feeds {
  const slots = slotsOf(shape.pooling, shape.promptTokens);
  const size = texts * slots * shape.bottleneck;
  return Object.fromEntries(
    layers.map((layer) => [
      keepInput(layer),
      {
        data: Float32Array.from({ length: size }, () => (random() < rate ? 0 : 1 / (1 - rate))),
        shape: [texts, slots, shape.bottleneck],
      },
    ]),
  );
}

/**
 * Endless batches over the indices, reshuffled at each pass. `labels`, if given, has texts of one class
 * come in pairs as long as there are two left, so that each has a positive for the contrastive loss.
 */
export function* endlessBatches(
  indices: readonly number[],
  { size, random, labels }: { size: number; random: () => number; labels?: readonly number[] },
): Generator<number[], never> {
  let order: number[] = [];
  for (;;) {
    const batch: number[] = [];
    while (batch.length < Math.min(size, indices.length)) {
      if (order.length === 0) order = labels ? inPairs(indices, labels, random) : shuffle(indices, random);
      batch.push(must(order.pop(), "index"));
    }
    yield batch;
  }
}

function inPairs(indices: readonly number[], labels: readonly number[], random: () => number): number[] {
  const byClass = Map.groupBy(shuffle(indices, random), (index) => must(labels[index], "label"));
  const pairs = [...byClass.values()].flatMap((members) =>
    Array.from({ length: Math.ceil(members.length / 2) }, (_, pair) => members.slice(2 * pair, 2 * pair + 2)),
  );
  return shuffle(pairs, random).flat();
}
