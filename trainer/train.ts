// The third step, train: dataset in, adapter and report out. Runs in the caller's process; see
// train-in-child.ts for the way servers and the command line call it.
//
//   embed     frozen vectors of all texts; the head starts as a logistic regression on them
//   search    gates and generators of all layers on two halves, which selects the prompt layers
//   validate  the selected layers on one half, measured on the other: figures and temperature
//   retrain   the selected layers on all examples, gates hard
//   head      the head refitted on the tuned vectors
import { type Adapter, type Backbone, type Head, roundToHalf } from "#model";
import { must } from "#model/graph";
import { fitTemperature } from "./calibrate.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { splitHalves } from "./dataset/split.ts";
import { evaluate } from "./evaluate.ts";
import { FrozenEncoder, type StatesSource } from "./frozen-encoder.ts";
import { fitLogisticRegression, headLogits } from "./head/fit-logistic-regression.ts";
import type { TrainOptions } from "./options.ts";
import { createPhaseClock, type PhaseClock } from "./phase-clock.ts";
import { createRandom } from "./random.ts";
import { GATE_HISTORY_MAX, type TrainingProgress, type TrainingReport } from "./report.ts";
import { type Settings, settingsFor } from "./settings.ts";
import { type GeneratorWeights, startGenerator, toPromptGenerator } from "./spt/generators.ts";
import { type SearchResult, searchPromptLayers, selectPromptLayers } from "./spt/search-prompt-layers.ts";
import { type TrainingData, trainableHead } from "./spt/training-data.ts";
import { tunedFeatures, tunePrompts } from "./spt/tune-prompts.ts";

export interface TrainRequest {
  readonly backbone: Backbone;
  readonly dataset: Dataset;
  readonly options: TrainOptions;
  /** Threads of a forward or backward pass; 0 lets onnxruntime choose. */
  readonly threads?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Aborting rejects with the signal's reason at the next step. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly adapter: Adapter;
  readonly report: TrainingReport;
}

/** Deterministic: same dataset, options, backbone and machine give the same adapter. */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const frozen = await FrozenEncoder.create(request.backbone, request.threads ?? 0);
  try {
    return await new Training(request, frozen).run();
  } finally {
    await frozen.close();
  }
}

type HeldOut = { accuracy: number; macroF1: number; n: number };

class Training {
  readonly #request: TrainRequest;
  readonly #frozen: FrozenEncoder;
  readonly #data: TrainingData;
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #clock: PhaseClock;

  constructor(request: TrainRequest, frozen: FrozenEncoder) {
    const { backbone, dataset, options } = request;
    this.#request = request;
    this.#frozen = frozen;
    this.#data = {
      backbone,
      encodings: dataset.examples.map(({ input }) => backbone.tokenizer.encode(input)),
      labels: dataset.examples.map(({ label }) => label),
      classes: dataset.labels.length,
    };
    const { width, layers } = backbone.config;
    this.#settings = settingsFor(options, { examples: dataset.examples.length, width, layers });
    this.#random = createRandom(options.seed);
    this.#clock = createPhaseClock(this.#settings, request.onProgress);
  }

  async run(): Promise<TrainResult> {
    const all = this.#data.labels.map((_, index) => index);
    const halves = splitHalves(this.#data.labels, this.#random);
    this.#clock.start("embed");
    const features = await this.#frozen.features(this.#data.encodings);
    const probe = this.#fitHead(features, all);
    const search = await this.#search(halves, this.#fitHead(features, halves[0]));
    const layers = selectPromptLayers(search.gates, this.#settings.promptLayersMax);
    const states = await this.#frozen.statesSource(must(layers[0], "layer"), this.#data.encodings);
    const validation = await this.#validate({ halves, layers, states, features });
    const tuned = await this.#retrain({ all, layers, states, probe });
    const adapter: Adapter = {
      width: this.#settings.shape.width,
      insertions: tuned.generators.map((weights) => toPromptGenerator(weights, this.#settings.shape)),
      head: tuned.head,
      labels: this.#request.dataset.labels,
      temperature: validation.temperature,
    };
    return { adapter, report: this.#report(adapter, search, validation) };
  }

  async #search(halves: readonly [number[], number[]], probe: Head): Promise<SearchResult> {
    const { shape, searchSteps, ...rest } = this.#settings;
    this.#clock.start("search");
    return searchPromptLayers(
      this.#data,
      {
        weightHalf: halves[0],
        gateHalf: halves[1],
        head: trainableHead(probe),
        statesAt0: await this.#frozen.statesSource(0, this.#data.encodings),
      },
      {
        ...rest,
        ...this.#runtime(),
        shape,
        steps: searchSteps,
        reparameterized: true,
        onStep: (step, loss, gates) => this.#clock.step({ step, loss, gates }),
      },
    );
  }

  /** Trains on the first half, measures on the second, with the frozen probe beside it. */
  async #validate(parts: {
    halves: readonly [number[], number[]];
    layers: readonly number[];
    states: StatesSource;
    features: Float32Array;
  }): Promise<{ tuned: HeldOut; probe: HeldOut; temperature: number }> {
    const [learn, held] = parts.halves;
    this.#clock.start("validate");
    const probe = this.#fitHead(parts.features, learn);
    const generators = await this.#tune(learn, { ...parts, probe, steps: this.#settings.validationSteps });
    const tuned = await this.#features(generators, { indices: this.#everyIndex(), states: parts.states });
    const head = this.#fitHead(tuned, learn);
    const labels = held.map((index) => must(this.#data.labels[index], "label"));
    const logits = headLogits(head, this.#rows(tuned, held), this.#settings.shape.width);
    const probeLogits = headLogits(probe, this.#rows(parts.features, held), this.#settings.shape.width);
    return {
      tuned: this.#heldOut(labels, logits),
      probe: this.#heldOut(labels, probeLogits),
      temperature: fitTemperature(logits, labels, this.#data.classes),
    };
  }

  async #retrain(parts: {
    all: readonly number[];
    layers: readonly number[];
    states: StatesSource;
    probe: Head;
  }): Promise<{ generators: GeneratorWeights[]; head: Head }> {
    this.#clock.start("retrain");
    const generators = await this.#tune(parts.all, { ...parts, steps: this.#settings.retrainSteps });
    this.#clock.start("head");
    const rounded = generators.map(roundGenerator);
    const features = await this.#features(rounded, { indices: parts.all, states: parts.states });
    const head = this.#fitHead(features, parts.all);
    return {
      generators: rounded,
      head: { weight_CD: roundToHalf(head.weight_CD), bias_C: roundToHalf(head.bias_C) },
    };
  }

  async #tune(
    indices: readonly number[],
    parts: { layers: readonly number[]; states: StatesSource; probe: Head; steps: number },
  ): Promise<GeneratorWeights[]> {
    const { shape, ...rest } = this.#settings;
    const generators = parts.layers.map((layer) => startGenerator(layer, shape, this.#random));
    await tunePrompts(
      this.#data,
      { indices, generators, head: trainableHead(parts.probe), states: parts.states },
      {
        ...rest,
        ...this.#runtime(),
        shape,
        steps: parts.steps,
        onStep: (step, loss) => this.#clock.step({ step, loss }),
      },
    );
    return generators;
  }

  #features(
    generators: readonly GeneratorWeights[],
    parts: { indices: readonly number[]; states: StatesSource },
  ): Promise<Float32Array> {
    return tunedFeatures(
      this.#data,
      { ...parts, generators },
      { ...this.#runtime(), shape: this.#settings.shape },
    );
  }

  #runtime() {
    const { threads, signal } = this.#request;
    return { threads: threads ?? 0, random: this.#random, ...(signal ? { signal } : {}) };
  }

  #everyIndex(): number[] {
    return this.#data.labels.map((_, index) => index);
  }

  #fitHead(features_BD: Float32Array, indices: readonly number[]): Head {
    return fitLogisticRegression({
      features_BD: this.#rows(features_BD, indices),
      labels: indices.map((index) => must(this.#data.labels[index], "label")),
      width: this.#settings.shape.width,
      classes: this.#data.classes,
    });
  }

  #rows(features_BD: Float32Array, indices: readonly number[]): Float32Array {
    const { width } = this.#settings.shape;
    const rows = new Float32Array(indices.length * width);
    for (const [at, index] of indices.entries()) {
      rows.set(features_BD.subarray(index * width, (index + 1) * width), at * width);
    }
    return rows;
  }

  #heldOut(labels: readonly number[], logits_BC: Float32Array): HeldOut {
    const { classes } = this.#data;
    const predicted = labels.map((_, row) =>
      indexOfLargest(logits_BC.subarray(row * classes, (row + 1) * classes)),
    );
    const { accuracy, macroF1, n } = evaluate(labels, predicted, this.#request.dataset.labels);
    return { accuracy, macroF1, n };
  }

  #report(
    adapter: Adapter,
    search: SearchResult,
    validation: { tuned: HeldOut; probe: HeldOut; temperature: number },
  ): TrainingReport {
    const { dataset, options, backbone } = this.#request;
    const every = Math.ceil(search.history.length / GATE_HISTORY_MAX);
    return {
      method: "spt",
      seed: options.seed,
      examples: dataset.examples.length,
      classes: dataset.labels.length,
      promptLayers: adapter.insertions.map(({ layer }) => layer),
      gates: search.gates,
      gateHistory: search.history.filter((_, step) => step % every === 0),
      trainedParameters: trainedParameters(adapter),
      backboneParameters: backboneParameters(backbone),
      phases: this.#clock.finish(),
      validation: validation.tuned,
      frozenProbe: validation.probe,
      temperature: validation.temperature,
      seconds: this.#clock.seconds(),
    };
  }
}

function roundGenerator(weights: GeneratorWeights): GeneratorWeights {
  return {
    layer: weights.layer,
    down_DM: roundToHalf(weights.down_DM),
    up_ME: roundToHalf(weights.up_ME),
    bias_PD: roundToHalf(weights.bias_PD),
  };
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? 0) ? index : best), 0);
}

function trainedParameters({ insertions, head }: Adapter): number {
  const generators = insertions.map(
    ({ down_DM, up_ME, bias_PD }) => down_DM.length + up_ME.length + bias_PD.length,
  );
  return generators.reduce((sum, count) => sum + count, head.weight_CD.length + head.bias_C.length);
}

function backboneParameters({ weights }: Backbone): number {
  const linears = weights.layers.flatMap((layer) => [
    layer.query,
    layer.key,
    layer.value,
    layer.attentionOutput,
    layer.feedForwardIn,
    layer.feedForwardOut,
  ]);
  const norms = [
    weights.embeddingNorm,
    ...weights.layers.flatMap((layer) => [layer.attentionNorm, layer.outputNorm]),
  ];
  return (
    weights.tokenEmbedding_VD.length +
    weights.positionEmbedding.length +
    weights.typeEmbedding.length +
    linears.reduce((sum, { weight, bias }) => sum + weight.length + bias.length, 0) +
    norms.reduce((sum, { gamma_D, beta_D }) => sum + gamma_D.length + beta_D.length, 0)
  );
}
