// The numbers of a training. Each default was chosen by measurement (docs/decisions); a user sets data.
import type { TrainOptions } from "./options.ts";
import type { GeneratorShape } from "./spt/generators.ts";
import { foldCount } from "./validate-candidates.ts";

export interface Settings {
  readonly shape: GeneratorShape;
  /** K: the most prompt layers the selection may keep. */
  readonly promptLayersMax: number;
  readonly batchTexts: number;
  readonly searchSteps: number;
  readonly validationSteps: number;
  /** Trainings on part of the rows that the validation takes: candidates times folds. */
  readonly validationTrials: number;
  readonly retrainSteps: number;
  /** Tried on held-out rows; the best is kept, unless no prompts at all are better. */
  readonly learningRates: readonly number[];
  readonly searchLearningRate: number;
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
  {
    examples,
    width,
    layers,
    folds = foldCount(examples),
  }: { examples: number; width: number; layers: number; folds?: number },
): Settings {
  const stepsPerEpoch = Math.ceil(examples / BATCH_TEXTS);
  const learningRates = options.learningRate === undefined ? [5e-3, 1e-3] : [options.learningRate];
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
    promptLayersMax: Math.min(options.promptLayersMax ?? Math.ceil(layers / 2), layers),
    batchTexts: BATCH_TEXTS,
    searchSteps: 30,
    // Where every row counts, candidates learn a little longer before they are compared.
    validationSteps: Math.min(folds === 2 ? 30 : 24, Math.ceil(retrainSteps / 2)),
    validationTrials: (learningRates.length + (options.method === "spt" ? 0 : 1)) * folds,
    retrainSteps: Math.min(retrainSteps, RETRAIN_STEPS_MAX),
    learningRates,
    searchLearningRate: 5e-3,
    gateLearningRate: 2e-2,
    weightDecay: 0.01,
    dropout: 0.1,
    consistency: 1,
    keepGate: 0.8,
  };
}
