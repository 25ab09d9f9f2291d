// The numbers of a training. Each default was chosen by measurement (docs/decisions); a user sets data.
import type { TrainOptions } from "./options.ts";
import type { GeneratorShape } from "./spt/generators.ts";
import type { InsertionPlace } from "./spt/insertions.ts";
import { foldCount } from "./validate-candidates.ts";

export interface Settings {
  readonly shape: GeneratorShape;
  /** What the search chooses among. */
  readonly kinds: readonly InsertionPlace["kind"][];
  /** K: the most insertions that the selection may keep. */
  readonly insertionsMax: number;
  readonly batchTexts: number;
  readonly searchSteps: number;
  readonly validationSteps: number;
  /** Trainings on part of the rows that the validation takes: candidates times folds. */
  readonly validationTrials: number;
  readonly retrainSteps: number;
  /** Adds the supervised contrastive loss to the cross-entropy. */
  readonly contrastive: boolean;
  /** Tried on held-out rows; the best is kept, unless no insertions at all are better. */
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
  const isPlain = options.method === "spt";
  const kinds: Settings["kinds"] = isPlain ? ["prompt_generator"] : ["prompt_generator", "scale_shift"];
  const places = kinds.length * layers;
  const stepsPerEpoch = Math.ceil(examples / BATCH_TEXTS);
  const rates = isPlain ? [5e-3, 1e-3] : [5e-3];
  const learningRates = options.learningRate === undefined ? rates : [options.learningRate];
  const retrainSteps =
    options.epochs === undefined
      ? Math.min(Math.max(6 * stepsPerEpoch, RETRAIN_STEPS_MIN), Math.max(2 * stepsPerEpoch, 200))
      : options.epochs * stepsPerEpoch;
  return {
    shape: {
      width,
      promptTokens: options.promptTokens ?? 2,
      bottleneck: options.bottleneck ?? 16,
      pooling: options.pooling ?? "mean",
    },
    kinds,
    insertionsMax: Math.min(options.insertionsMax ?? (isPlain ? Math.ceil(layers / 2) : layers), places),
    contrastive: !isPlain,
    batchTexts: BATCH_TEXTS,
    searchSteps: 30,
    // Where every row counts, candidates learn a little longer before they are compared.
    validationSteps: Math.min(folds === 2 ? 30 : 24, Math.ceil(retrainSteps / 2)),
    validationTrials: (learningRates.length + (isPlain ? 0 : 1)) * folds,
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
