// What the phases of a training share: the examples as token ids, their frozen states, their classes.
import { type Backbone, type Encoding, type Head, transpose } from "#model";
import { must } from "#model/graph";
import type { Feed } from "#model/runtime";
import { slotsOf } from "#model/spt";
import type { StatesSource } from "../frozen-encoder.ts";
import { shuffle } from "../random.ts";
import type { BatchExample, Feeds } from "./batch-inputs.ts";
import {
  type GeneratorShape,
  type GeneratorWeights,
  generatorDimensions,
  generatorInputs,
} from "./generators.ts";
import { HEAD_INPUTS, keepInput } from "./spt-graph.ts";

export interface TrainingData {
  readonly backbone: Backbone;
  readonly encodings: readonly Encoding[];
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

export async function batchExamples(
  data: TrainingData,
  indices: readonly number[],
  states: StatesSource,
): Promise<BatchExample[]> {
  const batchStates = await states(indices);
  return indices.map((index, at) => ({
    encoding: must(data.encodings[index], "encoding"),
    states_LD: must(batchStates[at], "states"),
  }));
}

export function weightFeeds(generators: readonly GeneratorWeights[], shape: GeneratorShape): Feeds {
  const dims = generatorDimensions(shape);
  return Object.fromEntries(
    generators.flatMap(({ layer, down_DM, up_ME, bias_PD }): [string, Feed][] => {
      const [down, up, bias] = generatorInputs(layer);
      return [
        [down, { data: down_DM, shape: dims.down }],
        [up, { data: up_ME, shape: dims.up }],
        [bias, { data: bias_PD, shape: dims.bias }],
      ];
    }),
  );
}

export function headFeeds({ weight_DC, bias_C }: TrainableHead): Feeds {
  const classes = bias_C.length;
  return {
    [HEAD_INPUTS[0]]: { data: weight_DC, shape: [weight_DC.length / classes, classes] },
    [HEAD_INPUTS[1]]: { data: bias_C, shape: [classes] },
  };
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

/** Endless batches over the indices, reshuffled at each pass. */
export function* endlessBatches(
  indices: readonly number[],
  size: number,
  random: () => number,
): Generator<number[], never> {
  let order: number[] = [];
  for (;;) {
    const batch: number[] = [];
    while (batch.length < Math.min(size, indices.length)) {
      if (order.length === 0) order = shuffle(indices, random);
      batch.push(must(order.pop(), "index"));
    }
    yield batch;
  }
}

/** What an optimizer updates, in the order of generatorInputs and HEAD_INPUTS. Weight decay applies to matrices. */
export function parametersOf(generators: readonly GeneratorWeights[], head: TrainableHead) {
  return [
    ...generators.flatMap(({ down_DM, up_ME, bias_PD }) => [
      { value: down_DM, decay: true },
      { value: up_ME, decay: true },
      { value: bias_PD, decay: false },
    ]),
    { value: head.weight_DC, decay: true },
    { value: head.bias_C, decay: false },
  ];
}
