// Which layers get a prompt: SPT's bi-level search (Zhu & Tan 2023). Generators and head learn on one
// half of the examples, the gates on the other, alternating (first-order DARTS). The gates compete
// (re-parameterisation), and two passes under different gate masks must agree (consistency).
import { must } from "#model/graph";
import { type Feed, Session } from "#model/runtime";
import type { StatesSource } from "../frozen-encoder.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipByGlobalNorm } from "../optimizer/clip.ts";
import { warmupThenDecay } from "../optimizer/schedule.ts";
import { batchInputs, type Feeds, searchInputs, targetsOf } from "./batch-inputs.ts";
import { type GeneratorShape, type GeneratorWeights, generatorInputs, startGenerator } from "./generators.ts";
import { alphaInput, buildSptGraph, gradientOutput, HEAD_INPUTS, maskInput } from "./spt-graph.ts";
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

export interface SearchOptions {
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
  readonly onStep?: (step: number, loss: number, gates: readonly number[]) => void;
  readonly signal?: AbortSignal;
}

export interface SearchResult {
  /** a_l of every layer after the last step. */
  readonly gates: readonly number[];
  /** Gates after each step, for the report. */
  readonly history: readonly (readonly number[])[];
  readonly generators: readonly GeneratorWeights[];
  readonly loss: number;
}

export async function searchPromptLayers(
  data: TrainingData,
  parts: {
    weightHalf: readonly number[];
    gateHalf: readonly number[];
    head: TrainableHead;
    statesAt0: StatesSource;
  },
  options: SearchOptions,
): Promise<SearchResult> {
  const layers = Array.from({ length: data.backbone.config.layers }, (_, layer) => layer);
  const graph = buildSptGraph({
    backbone: data.backbone,
    shape: options.shape,
    classes: data.classes,
    layers,
    mode: "search",
    gradients: true,
    reparameterized: options.reparameterized,
  });
  const session = await Session.create(graph, { threads: options.threads });
  try {
    return await new Search(session, data, { ...parts, layers }, options).run();
  } finally {
    await session.close();
  }
}

interface SearchParts {
  readonly weightHalf: readonly number[];
  readonly gateHalf: readonly number[];
  readonly head: TrainableHead;
  readonly statesAt0: StatesSource;
  readonly layers: readonly number[];
}

class Search {
  readonly #session: Session;
  readonly #data: TrainingData;
  readonly #parts: SearchParts;
  readonly #options: SearchOptions;
  readonly #generators: readonly GeneratorWeights[];
  readonly #alphas: readonly Float32Array[];

  constructor(session: Session, data: TrainingData, parts: SearchParts, options: SearchOptions) {
    this.#session = session;
    this.#data = data;
    this.#parts = parts;
    this.#options = options;
    this.#generators = parts.layers.map((layer) => startGenerator(layer, options.shape, options.random));
    this.#alphas = parts.layers.map(() => new Float32Array(1));
  }

  async run(): Promise<SearchResult> {
    const { steps, learningRate, random, batchTexts, weightDecay, gateLearningRate } = this.#options;
    const weights = new AdamW(parametersOf(this.#generators, this.#parts.head), { weightDecay });
    const gates = new AdamW(
      this.#alphas.map((value) => ({ value, decay: false })),
      { betas: [0.5, 0.999] },
    );
    const weightBatches = endlessBatches(this.#parts.weightHalf, batchTexts, random);
    const gateBatches = endlessBatches(this.#parts.gateHalf, batchTexts, random);
    const history: number[][] = [];
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      this.#options.signal?.throwIfAborted();
      const stepLoss = await this.#weightStep(weightBatches.next().value, (gradients) =>
        weights.step(gradients, learningRate * warmupThenDecay(step, steps)),
      );
      loss = step === 0 ? stepLoss : 0.9 * loss + 0.1 * stepLoss;
      await this.#gateStep(gateBatches.next().value, (gradients) => gates.step(gradients, gateLearningRate));
      history.push(this.#gateValues());
      this.#options.onStep?.(step + 1, loss, this.#gateValues());
    }
    return { gates: this.#gateValues(), history, generators: this.#generators, loss };
  }

  async #weightStep(
    indices: readonly number[],
    update: (gradients: Float32Array[]) => void,
  ): Promise<number> {
    const names = [...this.#parts.layers.flatMap(generatorInputs), ...HEAD_INPUTS];
    const twice = this.#options.consistency > 0;
    const { loss, gradients } = await this.#pass(indices, { twice, names, dropout: this.#options.dropout });
    clipByGlobalNorm(gradients, 1);
    update(gradients);
    return loss;
  }

  async #gateStep(indices: readonly number[], update: (gradients: Float32Array[]) => void): Promise<void> {
    const { gradients } = await this.#pass(indices, {
      twice: false,
      names: this.#parts.layers.map(alphaInput),
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
    const { batch, prompts, feeds } = batchInputs(examples, this.#data.backbone.config, shape);
    const outputs = names.map(gradientOutput);
    const results = await this.#session.run(
      {
        ...feeds,
        ...searchInputs(batch, prompts, shape.promptTokens),
        ...weightFeeds(this.#generators, shape),
        ...headFeeds(this.#parts.head),
        ...keepFeeds(this.#parts.layers, shape, { texts: doubled.length, rate: dropout, random }),
        ...this.#gateFeeds(doubled.length, twice),
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
    return Object.fromEntries(
      this.#parts.layers.flatMap((layer, index): [string, Feed][] => {
        const mask = new Float32Array(rows).fill(1);
        if (twice) {
          mask.fill(random() < keepGate ? 1 : 0, 0, rows / 2);
          mask.fill(random() < keepGate ? 1 : 0, rows / 2);
        }
        return [
          [alphaInput(layer), { data: must(this.#alphas[index], "alpha"), shape: [1] }],
          [maskInput(layer), { data: mask, shape: [rows, 1] }],
        ];
      }),
    );
  }

  #targetFeeds(indices: readonly number[], twice: boolean): Feeds {
    const labels = indices.map((index) => must(this.#data.labels[index], "label"));
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

  #gateValues(): number[] {
    return this.#alphas.map((alpha) => 1 / (1 + Math.exp(-(alpha[0] ?? 0))));
  }
}

/** A gate that the search has pushed below this is rejected even where the budget has room. */
export const GATE_REJECTED_BELOW = 0.35;

/**
 * The selection rule: the `most` layers of the largest gates, fewer when the search has rejected more
 * than that, at least one. Ascending.
 */
export function selectPromptLayers(gates: readonly number[], most: number): number[] {
  const ranked = gates
    .map((gate, layer) => ({ gate, layer }))
    .sort((a, b) => b.gate - a.gate || a.layer - b.layer);
  return ranked
    .filter(({ gate }, rank) => rank === 0 || (rank < most && gate >= GATE_REJECTED_BELOW))
    .map(({ layer }) => layer)
    .sort((a, b) => a - b);
}
