// The selected insertions and the head on training examples, gates hard: the retraining phase.
import { type Device, featureWidth, layersOf } from "#model";
import { must } from "#model/graph";
import { Session } from "#model/runtime/session";
import type { StatesSource } from "../frozen-encoder.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipByGlobalNorm } from "../optimizer/clip.ts";
import { warmupThenDecay } from "../optimizer/schedule.ts";
import { partsOf } from "../pair-mode.ts";
import { pick } from "../pick-rows.ts";
import {
  contrastiveInputs,
  type Feeds,
  pairInputs,
  promptInputs,
  targetsOf,
  textInputs,
} from "./batch-inputs.ts";
import type { GeneratorShape } from "./generators.ts";
import { type InsertionPlace, type Parameter, parametersOf, type TrainableInsertion } from "./insertions.ts";
import { requireFinite } from "./require-finite.ts";
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

export interface TunerOptions {
  /** Of the prompt generators among the insertions. */
  readonly shape: GeneratorShape;
  /** Adds the supervised contrastive loss; batches then hold classes in pairs. */
  readonly contrastive: boolean;
  readonly threads: number;
  /** Default: the CPU. */
  readonly device?: Device;
  /** Asked before each forward pass. */
  readonly signal?: AbortSignal;
}

export interface TuneOptions {
  readonly steps: number;
  readonly batchTexts: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly random: () => number;
  readonly onStep?: (step: number, loss: number) => void;
}

interface InsertedRows {
  readonly indices: readonly number[];
  readonly insertions: readonly TrainableInsertion[];
  /** States entering the lowest of the insertions' layers. */
  readonly states: StatesSource;
}

/** Tunes insertions on a dataset. Sessions of the places tuned last stay open until others are, or `close`. */
export class InsertionTuner {
  readonly #data: TrainingData;
  readonly #options: TunerOptions;
  readonly #sessions = new Map<"gradients" | "features", Session>();
  #places = "";

  constructor(data: TrainingData, options: TunerOptions) {
    this.#data = data;
    this.#options = options;
  }

  /** Insertions and head are updated in place. */
  async tune(parts: InsertedRows & { head: TrainableHead }, options: TuneOptions): Promise<{ loss: number }> {
    const { insertions, head, indices } = parts;
    const { shape, contrastive } = this.#options;
    const { steps, random, learningRate, weightDecay } = options;
    const parameters = [
      ...insertions.flatMap((insertion) => parametersOf(insertion, shape)),
      ...headParameters(head),
    ];
    const outputs = parameters.map(({ name }) => gradientOutput(name));
    const session = await this.#session(insertions, "gradients");
    const optimizer = new AdamW(parameters, { weightDecay });
    const batches = endlessBatches(indices, {
      size: options.batchTexts,
      random,
      ...(contrastive ? { labels: this.#data.labels } : {}),
    });
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      this.#options.signal?.throwIfAborted();
      const context = { ...parts, ...this.#options, ...options, parameters };
      const feeds = await tuneFeeds(this.#data, batches.next().value, context);
      const results = await session.run(feeds, ["loss", ...outputs]);
      const gradients = outputs.map((output) => must(results[output], output));
      const norm = clipByGlobalNorm(gradients, 1);
      const stepLoss = must(results.loss?.[0], "loss");
      requireFinite({ loss: stepLoss, norm }, { step, learningRate });
      optimizer.step(gradients, learningRate * warmupThenDecay(step, steps));
      loss = step === 0 ? stepLoss : 0.9 * loss + 0.1 * stepLoss;
      options.onStep?.(step + 1, loss);
    }
    return { loss };
  }

  /** Unit-length vectors [n, D] of examples under the insertions. */
  async features({ indices, insertions, states }: InsertedRows): Promise<Float32Array> {
    const { shape } = this.#options;
    const { backbone, pairMode } = this.#data;
    const width = featureWidth(backbone.config.width, pairMode);
    const session = await this.#session(insertions, "features");
    const weights = parameterFeeds(insertions.flatMap((insertion) => parametersOf(insertion, shape)));
    const features = new Float32Array(indices.length * width);
    for (let from = 0; from < indices.length; from += TEXTS_AT_ONCE) {
      this.#options.signal?.throwIfAborted();
      const some = indices.slice(from, from + TEXTS_AT_ONCE);
      const feeds = await rowFeeds(this.#data, some, { insertions, states, shape });
      const results = await session.run({ ...feeds, ...weights }, ["features"]);
      features.set(results.features, from * width);
    }
    return features;
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }

  async #session(insertions: readonly InsertionPlace[], output: "gradients" | "features"): Promise<Session> {
    const places = insertions.map(({ kind, layer }) => `${kind} ${layer}`).join();
    if (places !== this.#places) await this.close();
    this.#places = places;
    const known = this.#sessions.get(output);
    if (known) return known;
    const { threads, device, shape, contrastive } = this.#options;
    const graph = buildSptGraph({
      ...{ ...this.#data, shape, contrastive, insertions },
      gradients: output === "gradients",
      mode: "tune",
    });
    const session = await Session.create(graph, { threads, ...(device && { device }) });
    this.#sessions.set(output, session);
    return session;
  }
}

const TEXTS_AT_ONCE = 64;

/** All inputs of a training step. */
export async function tuneFeeds(
  data: TrainingData,
  indices: readonly number[],
  context: Omit<InsertedRows, "indices"> &
    TunerOptions &
    Pick<TuneOptions, "dropout" | "random"> & { parameters: readonly Parameter[] },
): Promise<Feeds> {
  const { insertions, parameters, shape, dropout, random, contrastive } = context;
  const labels = pick(data.labels, indices);
  return {
    ...(await rowFeeds(data, indices, context)),
    ...parameterFeeds(parameters),
    ...keepFeeds(layersOf(insertions, "prompt_generator"), shape, {
      texts: partsOf(data.pairMode) * indices.length,
      ...{ rate: dropout, random },
    }),
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
  { insertions, states, shape }: Omit<InsertedRows, "indices"> & { shape: GeneratorShape },
): Promise<Feeds> {
  const examples = await batchExamples(data, indices, states);
  const { batch, feeds } = textInputs(examples, data.backbone.config);
  return {
    ...feeds,
    ...(data.pairMode === "dual" ? pairInputs(indices.length) : {}),
    ...(layersOf(insertions, "prompt_generator").length > 0 ? promptInputs(batch, shape).feeds : {}),
  };
}
