// Which insertions an adapter gets: SPT's bi-level search (Zhu & Tan 2023), over prompt generators alone
// or over scales and shifts too. Insertions and head learn on one half of the examples, the gates on the
// other, alternating (first-order DARTS). The gates compete (re-parameterisation), and two passes under
// different masks of the prompts' gates must agree (consistency).
import { type Device, layersOf } from "#model";
import { must } from "#model/graph";
import { type Feed, Session } from "#model/runtime/session";
import type { StatesSource } from "../frozen-encoder.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipByGlobalNorm } from "../optimizer/clip.ts";
import { warmupThenDecay } from "../optimizer/schedule.ts";
import { pick } from "../pick-rows.ts";
import { type Feeds, pairInputs, promptInputs, searchInputs, targetsOf, textInputs } from "./batch-inputs.ts";
import type { GeneratorShape } from "./generators.ts";
import {
  type InsertionPlace,
  type Parameter,
  parametersOf,
  startInsertion,
  type TrainableInsertion,
} from "./insertions.ts";
import { requireFinite } from "./require-finite.ts";
import { alphaInput, buildSptGraph, gradientOutput, maskInput } from "./spt-graph.ts";
import {
  batchExamples,
  endlessBatches,
  headParameters,
  keepFeeds,
  parameterFeeds,
  type TrainableHead,
  type TrainingData,
} from "./training-data.ts";

export interface SearchOptions {
  /** Kinds to choose among, at every layer. "prompt_generator" is always one. */
  readonly kinds: readonly InsertionPlace["kind"][];
  readonly shape: GeneratorShape;
  /** Pairs of one weight step and one gate step. */
  readonly steps: number;
  readonly batchTexts: number;
  readonly learningRate: number;
  readonly gateLearningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  /** Weight of the consistency term; 0 leaves the second pass out. */
  readonly consistency: number;
  /** Probability that a gate stays open in one of the two passes. */
  readonly keepGate: number;
  readonly reparameterized: boolean;
  readonly random: () => number;
  readonly threads: number;
  /** Default: the CPU. */
  readonly device?: Device;
  readonly onStep?: (step: number, loss: number, gates: readonly Gate[]) => void;
  readonly signal?: AbortSignal;
}

export interface Gate extends InsertionPlace {
  /** a, 0 … 1. */
  readonly value: number;
}

export interface SearchResult {
  /** Of every candidate insertion after the last step, kind by kind. */
  readonly gates: readonly Gate[];
  /** Their values after each step, for the report. */
  readonly history: readonly (readonly number[])[];
  readonly loss: number;
}

export async function searchInsertions(
  data: TrainingData,
  parts: Omit<SearchParts, "places">,
  options: SearchOptions,
): Promise<SearchResult> {
  const { layers } = data.backbone.config;
  const places = options.kinds.flatMap((kind) =>
    Array.from({ length: layers }, (_, layer): InsertionPlace => ({ kind, layer })),
  );
  const graph = buildSptGraph({
    backbone: data.backbone,
    shape: options.shape,
    classes: data.classes,
    insertions: places,
    mode: "search",
    pairMode: data.pairMode,
    gradients: true,
    reparameterized: options.reparameterized,
  });
  const { threads, device } = options;
  const session = await Session.create(graph, { threads, ...(device && { device }) });
  try {
    return await new Search(session, data, { ...parts, places }, options).run();
  } finally {
    await session.close();
  }
}

interface SearchParts {
  readonly weightHalf: readonly number[];
  readonly gateHalf: readonly number[];
  readonly head: TrainableHead;
  readonly statesAt0: StatesSource;
  readonly places: readonly InsertionPlace[];
}

class Search {
  readonly #session: Session;
  readonly #data: TrainingData;
  readonly #parts: SearchParts;
  readonly #options: SearchOptions;
  readonly #insertions: readonly TrainableInsertion[];
  readonly #alphas: readonly Float32Array[];

  constructor(session: Session, data: TrainingData, parts: SearchParts, options: SearchOptions) {
    this.#session = session;
    this.#data = data;
    this.#parts = parts;
    this.#options = options;
    this.#insertions = parts.places.map((place) => startInsertion(place, options.shape, options.random));
    this.#alphas = parts.places.map(() => new Float32Array(1));
  }

  async run(): Promise<SearchResult> {
    const { steps, learningRate, random, batchTexts, weightDecay, gateLearningRate } = this.#options;
    const weights = new AdamW(this.#parameters(), { weightDecay });
    const gates = new AdamW(
      this.#alphas.map((value) => ({ value, decay: false })),
      { betas: [0.5, 0.999] },
    );
    const weightBatches = endlessBatches(this.#parts.weightHalf, { size: batchTexts, random });
    const gateBatches = endlessBatches(this.#parts.gateHalf, { size: batchTexts, random });
    const history: number[][] = [];
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      this.#options.signal?.throwIfAborted();
      const stepLoss = await this.#weightStep(step, weightBatches.next().value, (gradients) =>
        weights.step(gradients, learningRate * warmupThenDecay(step, steps)),
      );
      loss = step === 0 ? stepLoss : 0.9 * loss + 0.1 * stepLoss;
      await this.#gateStep(gateBatches.next().value, (gradients) => gates.step(gradients, gateLearningRate));
      history.push(this.#gates().map(({ value }) => value));
      this.#options.onStep?.(step + 1, loss, this.#gates());
    }
    return { gates: this.#gates(), history, loss };
  }

  async #weightStep(
    step: number,
    indices: readonly number[],
    update: (gradients: Float32Array[]) => void,
  ): Promise<number> {
    const names = this.#parameters().map(({ name }) => name);
    const twice = this.#options.consistency > 0;
    const { loss, gradients } = await this.#pass(indices, { twice, names, dropout: this.#options.dropout });
    const norm = clipByGlobalNorm(gradients, 1);
    requireFinite({ loss, norm }, { step, learningRate: this.#options.learningRate });
    update(gradients);
    return loss;
  }

  async #gateStep(indices: readonly number[], update: (gradients: Float32Array[]) => void): Promise<void> {
    const { gradients } = await this.#pass(indices, {
      twice: false,
      names: this.#parts.places.map(alphaInput),
      dropout: 0,
    });
    update(gradients);
  }

  async #pass(
    indices: readonly number[],
    { twice, names, dropout }: { twice: boolean; names: readonly string[]; dropout: number },
  ): Promise<{ loss: number; gradients: Float32Array[] }> {
    const { shape, random } = this.#options;
    const doubled = twice ? [...indices, ...indices] : indices;
    const examples = await batchExamples(this.#data, doubled, this.#parts.statesAt0);
    const { batch, feeds } = textInputs(examples, this.#data.backbone.config);
    const { prompts, feeds: promptFeeds } = promptInputs(batch, shape);
    const outputs = names.map(gradientOutput);
    const results = await this.#session.run(
      {
        ...feeds,
        ...searchInputs(batch, prompts, shape.promptTokens),
        ...promptFeeds,
        ...(this.#data.pairMode === "dual" ? pairInputs(doubled.length) : {}),
        ...parameterFeeds(this.#parameters()),
        ...keepFeeds(this.#promptLayers(), shape, { texts: examples.length, rate: dropout, random }),
        ...this.#gateFeeds(examples.length, twice),
        ...this.#targetFeeds(doubled, twice),
      },
      ["loss", ...outputs],
    );
    return {
      loss: must(results.loss?.[0], "loss"),
      gradients: outputs.map((output) => must(results[output], output)),
    };
  }

  /** One Bernoulli mask a layer and pass, the same for all texts of the pass; a single pass is unmasked. */
  #gateFeeds(texts: number, twice: boolean): Feeds {
    const { shape, random, keepGate } = this.#options;
    const rows = texts * shape.promptTokens;
    const alphas = this.#parts.places.map((place, index): [string, Feed] => [
      alphaInput(place),
      { data: must(this.#alphas[index], "alpha"), shape: [1] },
    ]);
    const masks = this.#promptLayers().map((layer): [string, Feed] => {
      const mask = new Float32Array(rows).fill(1);
      if (twice) {
        mask.fill(random() < keepGate ? 1 : 0, 0, rows / 2);
        mask.fill(random() < keepGate ? 1 : 0, rows / 2);
      }
      return [maskInput(layer), { data: mask, shape: [rows, 1] }];
    });
    return Object.fromEntries([...alphas, ...masks]);
  }

  #promptLayers(): number[] {
    return layersOf(this.#parts.places, "prompt_generator");
  }

  #targetFeeds(indices: readonly number[], twice: boolean): Feeds {
    const labels = pick(this.#data.labels, indices);
    const half = indices.length / 2;
    const rows = twice ? half : 1;
    const difference = new Float32Array(rows * indices.length);
    const scale = Math.sqrt(this.#options.consistency / half);
    for (let row = 0; twice && row < half; row++) {
      difference[row * indices.length + row] = scale;
      difference[row * indices.length + half + row] = -scale;
    }
    return {
      targets: {
        data: targetsOf(labels, this.#data.classes, 1 / indices.length),
        shape: [indices.length, this.#data.classes],
      },
      difference: { data: difference, shape: [rows, indices.length] },
    };
  }

  /** Of insertions and head. */
  #parameters(): Parameter[] {
    const { shape } = this.#options;
    return [
      ...this.#insertions.flatMap((insertion) => parametersOf(insertion, shape)),
      ...headParameters(this.#parts.head),
    ];
  }

  #gates(): Gate[] {
    return this.#parts.places.map((place, index) => ({
      ...place,
      value: 1 / (1 + Math.exp(-must(this.#alphas[index]?.[0], "alpha"))),
    }));
  }
}

/** A gate that the search has pushed below this is rejected even where the budget has room. */
export const GATE_REJECTED_BELOW = 0.35;

/**
 * The selection rule: the `most` insertions of the largest gates, fewer when the search has rejected more
 * than that, at least one. By layer, in the order of the gates within one.
 */
export function selectInsertions(gates: readonly Gate[], most: number): InsertionPlace[] {
  // Both sorts are stable: the earlier of two equal gates stays first.
  return gates
    .toSorted((a, b) => b.value - a.value || a.layer - b.layer)
    .filter(({ value }, rank) => rank === 0 || (rank < most && value >= GATE_REJECTED_BELOW))
    .map(({ kind, layer }) => ({ kind, layer }))
    .toSorted((a, b) => a.layer - b.layer);
}
