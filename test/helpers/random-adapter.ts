// Adapters of random weights, for tests of the runtime and the adapter file.
import type { Adapter, GeneratorPooling, Insertion } from "#model";
import { createRandom } from "./random.ts";

export interface RandomAdapterOptions {
  readonly width: number;
  readonly seed: number;
  readonly classes: number;
  readonly generators: readonly {
    layer: number;
    pooling: GeneratorPooling;
    promptTokens: number;
    bottleneck: number;
  }[];
  /** Layers with other scales and shifts. */
  readonly scaleShift?: readonly number[];
  readonly lowRank?: readonly { layer: number; rank: number }[];
}

/** Weights large enough that prompts visibly change the scores. */
export function makeRandomAdapter(options: RandomAdapterOptions): Adapter {
  const { width, seed, classes, generators, scaleShift = [], lowRank = [] } = options;
  const { normal } = createRandom(seed);
  const draw = (length: number, deviation: number) =>
    Float32Array.from({ length }, () => Math.fround(deviation * normal()));
  const promptGenerators = generators.map(
    ({ layer, pooling, promptTokens, bottleneck }): Insertion => ({
      kind: "prompt_generator",
      layer,
      pooling,
      promptTokens,
      bottleneck,
      down_DM: draw(width * bottleneck, 1 / Math.sqrt(width)),
      up_ME: draw((bottleneck * promptTokens * width) / (pooling === "mean" ? 1 : promptTokens), 0.5),
      bias_PD: draw(promptTokens * width, 0.5),
    }),
  );
  const vectors = () => ({ scale_D: draw(width, 0.3), shift_D: draw(width, 0.3) });
  const scalesAndShifts = scaleShift.map(
    (layer): Insertion => ({ kind: "scale_shift", layer, attention: vectors(), output: vectors() }),
  );
  const updates = lowRank.map(({ layer, rank }): Insertion => {
    const product = () => ({
      down_DK: draw(width * rank, 1 / Math.sqrt(width)),
      up_KD: draw(rank * width, 0.5),
    });
    return { kind: "low_rank", layer, rank, query: product(), value: product() };
  });
  return {
    width,
    // A stable sort: kinds stay in their order within a layer.
    insertions: [...promptGenerators, ...scalesAndShifts, ...updates].sort(
      (one, other) => one.layer - other.layer,
    ),
    head: { weight_CD: draw(classes * width, 2), bias_C: draw(classes, 0.1) },
    labels: Array.from({ length: classes }, (_, index) => `label ${index}`),
    temperature: 1.3,
    pairMode: "joint",
  };
}
