// The selected insertions and the head on training examples, gates hard: the retraining phase.
import { must } from "#model/graph";
import { Session } from "#model/runtime";
import type { StatesSource } from "../frozen-encoder.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipByGlobalNorm } from "../optimizer/clip.ts";
import { warmupThenDecay } from "../optimizer/schedule.ts";
import { contrastiveInputs, type Feeds, promptInputs, targetsOf, textInputs } from "./batch-inputs.ts";
import type { GeneratorShape } from "./generators.ts";
import { type Parameter, parametersOf, type TrainableInsertion } from "./insertions.ts";
import { buildSptGraph, gradientOutput } from "./spt-graph.ts";
import {
  batchExamples,
  endlessBatches,
  headParameters,
  keepFeeds,
  parameterFeeds,
  type TrainableHead,
  type TrainingData,
} from "./training-data.ts";

export interface TuneOptions {
  /** Of the prompt generators among the insertions. */
  readonly shape: GeneratorShape;
  readonly steps: number;
  readonly batchTexts: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  /** Adds the supervised contrastive loss; batches then hold classes in pairs. */
  readonly contrastive: boolean;
  readonly random: () => number;
  readonly threads: number;
  readonly onStep?: (step: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

/** Insertions and head are updated in place. `states` enter the lowest of the insertions' layers. */
export async function tuneInsertions(
  data: TrainingData,
  parts: {
    indices: readonly number[];
    insertions: readonly TrainableInsertion[];
    head: TrainableHead;
    states: StatesSource;
  },
  options: TuneOptions,
): Promise<{ loss: number }> {
  const { insertions, head, indices } = parts;
  const { shape, steps, random, contrastive } = options;
  const parameters = [
    ...insertions.flatMap((insertion) => parametersOf(insertion, shape)),
    ...headParameters(head),
  ];
  const outputs = parameters.map(({ name }) => gradientOutput(name));
  const session = await openSession(data, { insertions, gradients: true, contrastive }, options);
  const optimizer = new AdamW(parameters, { weightDecay: options.weightDecay });
  const batches = endlessBatches(indices, {
    size: options.batchTexts,
    random,
    ...(contrastive ? { labels: data.labels } : {}),
  });
  let loss = 0;
  try {
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      const feeds = await tuneFeeds(data, batches.next().value, { ...parts, parameters, options });
      const results = await session.run(feeds, ["loss", ...outputs]);
      const gradients = outputs.map((output) => must(results[output], output));
      clipByGlobalNorm(gradients, 1);
      optimizer.step(gradients, options.learningRate * warmupThenDecay(step, steps));
      const stepLoss = must(results.loss?.[0], "loss");
      loss = step === 0 ? stepLoss : 0.9 * loss + 0.1 * stepLoss;
      options.onStep?.(step + 1, loss);
    }
  } finally {
    await session.close();
  }
  return { loss };
}

/** Unit-length vectors [n, D] of examples under the insertions. */
export async function tunedFeatures(
  data: TrainingData,
  parts: {
    indices: readonly number[];
    insertions: readonly TrainableInsertion[];
    states: StatesSource;
  },
  options: Pick<TuneOptions, "shape" | "threads">,
): Promise<Float32Array> {
  const { insertions, states } = parts;
  const { shape } = options;
  const { width } = data.backbone.config;
  const session = await openSession(data, { insertions, gradients: false, contrastive: false }, options);
  const weights = parameterFeeds(insertions.flatMap((insertion) => parametersOf(insertion, shape)));
  const features = new Float32Array(parts.indices.length * width);
  try {
    for (let from = 0; from < parts.indices.length; from += TEXTS_AT_ONCE) {
      const indices = parts.indices.slice(from, from + TEXTS_AT_ONCE);
      const feeds = await rowFeeds(data, indices, { insertions, states, shape });
      const results = await session.run({ ...feeds, ...weights }, ["features"]);
      features.set(results.features, from * width);
    }
  } finally {
    await session.close();
  }
  return features;
}

const TEXTS_AT_ONCE = 64;

function openSession(
  data: TrainingData,
  graph: { insertions: readonly TrainableInsertion[]; gradients: boolean; contrastive: boolean },
  { shape, threads }: Pick<TuneOptions, "shape" | "threads">,
): Promise<Session> {
  const { backbone, classes } = data;
  return Session.create(buildSptGraph({ backbone, shape, classes, mode: "tune", ...graph }), { threads });
}

async function tuneFeeds(
  data: TrainingData,
  indices: readonly number[],
  context: {
    insertions: readonly TrainableInsertion[];
    states: StatesSource;
    parameters: readonly Parameter[];
    options: TuneOptions;
  },
): Promise<Feeds> {
  const { insertions, states, parameters, options } = context;
  const { shape, dropout, random, contrastive } = options;
  const labels = indices.map((index) => must(data.labels[index], "label"));
  return {
    ...(await rowFeeds(data, indices, { insertions, states, shape })),
    ...parameterFeeds(parameters),
    ...keepFeeds(promptLayersOf(insertions), shape, { texts: indices.length, rate: dropout, random }),
    ...(contrastive ? contrastiveInputs(labels) : {}),
    targets: {
      data: targetsOf(labels, data.classes, 1 / indices.length),
      shape: [indices.length, data.classes],
    },
  };
}

/** The packed texts, and where their prompts stand if there are any. */
async function rowFeeds(
  data: TrainingData,
  indices: readonly number[],
  {
    insertions,
    states,
    shape,
  }: { insertions: readonly TrainableInsertion[]; states: StatesSource; shape: GeneratorShape },
): Promise<Feeds> {
  const examples = await batchExamples(data, indices, states);
  const { batch, feeds } = textInputs(examples, data.backbone.config);
  if (promptLayersOf(insertions).length === 0) return feeds;
  return { ...feeds, ...promptInputs(batch, shape).feeds };
}

function promptLayersOf(insertions: readonly TrainableInsertion[]): number[] {
  return insertions.flatMap(({ kind, layer }) => (kind === "prompt_generator" ? [layer] : []));
}
