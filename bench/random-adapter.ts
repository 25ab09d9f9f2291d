// Adapters of random weights: serving takes the same time whatever an adapter has learned.
import type { Adapter, LowRank, PromptGenerator, ScaleShift } from "#model";
import { createRandom, TRAINED_RANK as rank } from "#trainer";

export interface RandomAdapterOptions {
  readonly width: number;
  readonly seed: number;
  readonly classes: number;
  /** Ascending. */
  readonly promptLayers: readonly number[];
  readonly promptTokens: number;
  readonly bottleneck: number;
  /** Ascending. */
  readonly scaleShiftLayers: readonly number[];
  /** Ascending; of the trainer's rank. */
  readonly lowRankLayers?: readonly number[];
}

/** Generators with mean pooling. The same options give the same weights. */
export function randomAdapter(options: RandomAdapterOptions): Adapter {
  const { width, seed, classes, promptLayers, promptTokens, bottleneck, scaleShiftLayers } = options;
  const { lowRankLayers = [] } = options;
  const random = createRandom(seed);
  // Uniform of that standard deviation.
  const draw = (length: number, deviation: number) =>
    Float32Array.from({ length }, () => deviation * Math.sqrt(12) * (random() - 0.5));
  const generators = promptLayers.map(
    (layer): PromptGenerator => ({
      kind: "prompt_generator",
      layer,
      pooling: "mean",
      promptTokens,
      bottleneck,
      down_DM: draw(width * bottleneck, 1 / Math.sqrt(width)),
      up_ME: draw(bottleneck * promptTokens * width, 0.5),
      bias_PD: draw(promptTokens * width, 0.5),
    }),
  );
  const vectors = () => ({ scale_D: draw(width, 0.05), shift_D: draw(width, 0.05) });
  const scales = scaleShiftLayers.map(
    (layer): ScaleShift => ({ kind: "scale_shift", layer, attention: vectors(), output: vectors() }),
  );
  const product = () => ({
    down_DK: draw(width * rank, 1 / Math.sqrt(width)),
    up_KD: draw(rank * width, 0.05),
  });
  const updates = lowRankLayers.map(
    (layer): LowRank => ({ kind: "low_rank", layer, rank, query: product(), value: product() }),
  );
  return {
    width,
    // A stable sort: kinds stay in their order within a layer.
    insertions: [...generators, ...scales, ...updates].sort((one, other) => one.layer - other.layer),
    head: { weight_CD: draw(classes * width, 2), bias_C: draw(classes, 0.1) },
    labels: Array.from({ length: classes }, (_, index) => `label ${index}`),
    temperature: 1,
    pairMode: "joint",
  };
}

/** `count` different layers of `layers`, ascending; each choice is as likely as another. */
export function randomLayers(seed: number, count: number, layers: number): number[] {
  const random = createRandom(seed);
  const left = Array.from({ length: layers }, (_, layer) => layer);
  const chosen = Array.from({ length: Math.min(count, layers) }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  );
  return chosen.flat().sort((one, other) => one - other);
}
