// The numbers of a training. Each default was chosen by measurement (docs/decisions); a user sets data.
import type { TrainOptions } from "./options.ts";
import type { GeneratorShape } from "./spt/generators.ts";

export interface Settings {
  readonly shape: GeneratorShape;
  /** K: the most prompt layers the selection may keep. */
  readonly promptLayersMax: number;
  readonly batchTexts: number;
  readonly searchSteps: number;
  readonly validationSteps: number;
  readonly retrainSteps: number;
  readonly learningRate: number;
  readonly gateLearningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly consistency: number;
  readonly keepGate: number;
}

const BATCH_TEXTS = 16;
const RETRAIN_STEPS_MIN = 80;
const RETRAIN_STEPS_MAX = 3_000;

export function settingsFor(
  options: TrainOptions,
  { examples, width, layers }: { examples: number; width: number; layers: number },
): Settings {
  const stepsPerEpoch = Math.ceil(examples / BATCH_TEXTS);
  const retrainSteps =
    options.epochs === undefined
      ? Math.min(Math.max(6 * stepsPerEpoch, RETRAIN_STEPS_MIN), Math.max(2 * stepsPerEpoch, 200))
      : options.epochs * stepsPerEpoch;
  return {
    shape: {
      width,
      promptTokens: options.promptTokens ?? 4,
      bottleneck: options.bottleneck ?? 16,
      pooling: options.pooling ?? "mean",
    },
    promptLayersMax: Math.min(options.promptLayersMax ?? Math.max(1, Math.round(layers / 3)), layers),
    batchTexts: BATCH_TEXTS,
    searchSteps: 40,
    validationSteps: Math.min(40, Math.ceil(retrainSteps / 2)),
    retrainSteps: Math.min(retrainSteps, RETRAIN_STEPS_MAX),
    learningRate: options.learningRate ?? 5e-3,
    gateLearningRate: 2e-2,
    weightDecay: 0.01,
    dropout: 0.1,
    consistency: 1,
    keepGate: 0.8,
  };
}
