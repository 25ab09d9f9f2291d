// The selected generators and the head on all training examples, gates hard: the retraining phase.
import { must } from "#model/graph";
import { Session } from "#model/runtime";
import type { StatesSource } from "../frozen-encoder.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipByGlobalNorm } from "../optimizer/clip.ts";
import { warmupThenDecay } from "../optimizer/schedule.ts";
import { batchInputs, targetsOf } from "./batch-inputs.ts";
import { type GeneratorShape, type GeneratorWeights, generatorInputs } from "./generators.ts";
import { buildSptGraph, gradientOutput, HEAD_INPUTS } from "./spt-graph.ts";
import {
  batchExamples,
  endlessBatches,
  headFeeds,
  keepFeeds,
  parametersOf,
  type TrainableHead,
  type TrainingData,
  weightFeeds,
} from "./training-data.ts";

export interface TuneOptions {
  readonly shape: GeneratorShape;
  readonly steps: number;
  readonly batchTexts: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly random: () => number;
  readonly threads: number;
  readonly onStep?: (step: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

/** Generators and head are updated in place. `states` enter the lowest of the generators' layers. */
export async function tunePrompts(
  data: TrainingData,
  parts: {
    indices: readonly number[];
    generators: readonly GeneratorWeights[];
    head: TrainableHead;
    states: StatesSource;
  },
  options: TuneOptions,
): Promise<{ loss: number }> {
  const { generators, head } = parts;
  const layers = generators.map(({ layer }) => layer);
  const names = [...layers.flatMap(generatorInputs), ...HEAD_INPUTS];
  const session = await tuneSession(data, { layers, gradients: true }, options);
  const optimizer = new AdamW(parametersOf(generators, head), { weightDecay: options.weightDecay });
  const batches = endlessBatches(parts.indices, options.batchTexts, options.random);
  let loss = 0;
  try {
    for (let step = 0; step < options.steps; step++) {
      options.signal?.throwIfAborted();
      const indices = batches.next().value;
      const feeds = await tuneFeeds(data, indices, { ...parts, layers, options });
      const outputs = names.map(gradientOutput);
      const results = await session.run(feeds, ["loss", ...outputs]);
      const gradients = outputs.map((output) => must(results[output], output));
      clipByGlobalNorm(gradients, 1);
      optimizer.step(gradients, options.learningRate * warmupThenDecay(step, options.steps));
      const stepLoss = must(results.loss?.[0], "loss");
      loss = step === 0 ? stepLoss : 0.9 * loss + 0.1 * stepLoss;
      options.onStep?.(step + 1, loss);
    }
  } finally {
    await session.close();
  }
  return { loss };
}

/** Unit-length vectors [n, D] of examples under the generators. */
export async function tunedFeatures(
  data: TrainingData,
  parts: { indices: readonly number[]; generators: readonly GeneratorWeights[]; states: StatesSource },
  options: Pick<TuneOptions, "shape" | "threads">,
): Promise<Float32Array> {
  const { width } = data.backbone.config;
  const layers = parts.generators.map(({ layer }) => layer);
  const session = await tuneSession(data, { layers, gradients: false }, options);
  const features = new Float32Array(parts.indices.length * width);
  try {
    for (let from = 0; from < parts.indices.length; from += 64) {
      const indices = parts.indices.slice(from, from + 64);
      const examples = await batchExamples(data, indices, parts.states);
      const { feeds } = batchInputs(examples, data.backbone.config, options.shape);
      const results = await session.run({ ...feeds, ...weightFeeds(parts.generators, options.shape) }, [
        "features",
      ]);
      features.set(results.features, from * width);
    }
  } finally {
    await session.close();
  }
  return features;
}

function tuneSession(
  data: TrainingData,
  { layers, gradients }: { layers: readonly number[]; gradients: boolean },
  { shape, threads }: Pick<TuneOptions, "shape" | "threads">,
): Promise<Session> {
  const { backbone, classes } = data;
  return Session.create(buildSptGraph({ backbone, shape, classes, layers, mode: "tune", gradients }), {
    threads,
  });
}

async function tuneFeeds(
  data: TrainingData,
  indices: readonly number[],
  context: {
    generators: readonly GeneratorWeights[];
    head: TrainableHead;
    states: StatesSource;
    layers: readonly number[];
    options: TuneOptions;
  },
) {
  const { shape, dropout, random } = context.options;
  const examples = await batchExamples(data, indices, context.states);
  const labels = indices.map((index) => must(data.labels[index], "label"));
  return {
    ...batchInputs(examples, data.backbone.config, shape).feeds,
    ...weightFeeds(context.generators, shape),
    ...headFeeds(context.head),
    ...keepFeeds(context.layers, shape, { texts: indices.length, rate: dropout, random }),
    targets: {
      data: targetsOf(labels, data.classes, 1 / indices.length),
      shape: [indices.length, data.classes],
    },
  };
}
