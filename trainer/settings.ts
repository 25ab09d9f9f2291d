// The numbers of a training. Each default was chosen by measurement (docs/decisions); a user sets data.
import type { PairMode } from "#model";
import type { TrainOptions } from "./options.ts";
import type { GeneratorShape } from "./spt/generators.ts";
import type { InsertionPlace } from "./spt/insertions.ts";
import { foldCount, reportFoldCount } from "./validate-candidates.ts";

export interface Settings {
  readonly shape: GeneratorShape;
  /** What the search chooses among. */
  readonly kinds: readonly InsertionPlace["kind"][];
  /** What stands at every layer in the candidate that needs no search; of method "spt" there is none. */
  readonly everywhere: readonly InsertionPlace["kind"][];
  /** K: the most insertions that the selection may keep. */
  readonly insertionsMax: number;
  readonly batchTexts: number;
  /** 0: no search. */
  readonly searchSteps: number;
  readonly validationSteps: number;
  /** Trainings on part of the rows that the validation takes: candidates times folds. */
  readonly validationTrials: number;
  readonly retrainSteps: number;
  /** Of the chosen candidate on rows that were not yet held out, for the report. */
  readonly reportSteps: number;
  /** Adds the supervised contrastive loss to the cross-entropy. */
  readonly contrastive: boolean;
  /** Gives way only to a candidate that is clearly better. */
  readonly preferred?: Preferred;
  /** Tried on held-out rows; the best is kept, unless no insertions at all are better. */
  readonly learningRates: readonly number[];
  readonly searchLearningRate: number;
  readonly gateLearningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly consistency: number;
  readonly keepGate: number;
  /** Competing gates (SPT-DARTS), or plain ones. */
  readonly reparameterized: boolean;
  /** These instead of what a search would select. */
  readonly fixed?: readonly InsertionPlace[];
}

export type Preferred = "everywhere" | "no_insertions";

/** What an ablation leaves out or fixes. Not for users: each default here is better or as good. */
export interface Ablation {
  readonly consistency?: 0;
  readonly reparameterized?: false;
  readonly fixed?: readonly InsertionPlace[];
  /** Label names are not learned. */
  readonly labelNames?: false;
  /** The same prompts for every text. */
  readonly staticPrompts?: true;
  /** Numbers stay as they were learned, in fp32: no adapter file holds them. */
  readonly rounded?: false;
}

export function ablate(settings: Settings, ablation: Ablation): Settings {
  const { labelNames: _, rounded: __, staticPrompts, ...others } = ablation;
  return {
    ...settings,
    ...others,
    ...(others.fixed ? { searchSteps: 0 } : {}),
    ...(staticPrompts ? { shape: { ...settings.shape, readsText: false } } : {}),
  };
}

const BATCH_TEXTS = 16;
const RETRAIN_STEPS_MAX = 3_000;
/** Rows from which method "auto" searches: the halves of fewer choose worse than scales everywhere. */
const SEARCH_FROM_ROWS = 128;
/** Rows from which scales and shifts are too few numbers to learn all that is there: docs/decisions. */
const LOW_RANK_FROM_ROWS = 1_000;
const SEARCH_STEPS = 30;
/** Plain SPT needs more steps to reach its loss than scales and shifts do. */
const RETRAIN_STEPS_MIN = { auto: 50, spt: 80 };
const VALIDATION_STEPS_MAX = { auto: 24, spt: 30 };
const LEARNING_RATES = { auto: [5e-3], spt: [5e-3, 1e-3] };
/**
 * Method "auto" from label words: faster training forgets what they say, and slower training needs more epochs, up to so
 * many steps; the validation, on half of the rows, half as many.
 */
const LABEL_WORDS = { learningRate: 2e-3, epochsMin: 25, epochsMinStepsMax: 150 } as const;
/** Dual pairs start from features that say most already; faster training forgets them. */
const DUAL_LEARNING_RATE = 1e-3;

interface SizesForSettings {
  readonly examples: number;
  readonly width: number;
  readonly layers: number;
  /** Parts that are held out to decide, and for the report alone. */
  readonly folds?: number;
  readonly reportFolds?: number;
  readonly pairMode?: PairMode;
  /** Whether label words are the head's start. */
  readonly verbalizer?: boolean;
}

export function settingsFor(
  options: TrainOptions,
  {
    examples,
    width,
    layers,
    folds = foldCount(examples),
    reportFolds = reportFoldCount(examples),
    pairMode = "joint",
    verbalizer = false,
  }: SizesForSettings,
): Settings {
  const method = options.method ?? "auto";
  const kinds: Settings["kinds"] =
    method === "spt" ? ["prompt_generator"] : ["prompt_generator", "scale_shift"];
  const searches = method === "spt" || examples >= SEARCH_FROM_ROWS;
  const budget = method === "spt" ? Math.ceil(layers / 2) : layers;
  const fromWords = verbalizer && method === "auto";
  const learningRates =
    options.learningRate === undefined
      ? defaultRates(method, { pairMode, fromWords })
      : [options.learningRate];
  const { retrainSteps, validationSteps } = stepsOf(options, { examples, fromWords });
  const candidates = (searches ? learningRates.length : 0) + (method === "auto" ? 1 : 0);
  return {
    shape: {
      width,
      promptTokens: options.promptTokens ?? 2,
      bottleneck: options.bottleneck ?? 16,
      pooling: options.pooling ?? "mean",
      readsText: true,
    },
    kinds,
    everywhere: everywhereOf(method, { learnsMuch: examples >= LOW_RANK_FROM_ROWS, pairMode, verbalizer }),
    insertionsMax: Math.min(options.insertionsMax ?? budget, kinds.length * layers),
    // Pair features and those at a mask are no unit vectors: their classes are not to be brought together.
    contrastive: method === "auto" && pairMode === "joint" && !verbalizer,
    ...preferredOf(method, pairMode),
    batchTexts: BATCH_TEXTS,
    searchSteps: searches ? SEARCH_STEPS : 0,
    validationSteps,
    validationTrials: candidates * folds,
    retrainSteps,
    reportSteps: validationSteps * reportFolds,
    learningRates,
    searchLearningRate: 5e-3,
    gateLearningRate: 2e-2,
    weightDecay: 0.01,
    dropout: 0.1,
    consistency: 1,
    keepGate: 0.8,
    reparameterized: true,
  };
}

function stepsOf(
  { method = "auto", epochs }: TrainOptions,
  { examples, fromWords }: { examples: number; fromWords: boolean },
): Pick<Settings, "retrainSteps" | "validationSteps"> {
  const perEpoch = Math.ceil(examples / BATCH_TEXTS);
  const { epochsMin, epochsMinStepsMax } = LABEL_WORDS;
  const ofEpochsMin = fromWords ? Math.min(epochsMin * perEpoch, epochsMinStepsMax) : 0;
  const least = Math.max(RETRAIN_STEPS_MIN[method], ofEpochsMin);
  const usual = Math.min(Math.max(6 * perEpoch, least), Math.max(2 * perEpoch, 200));
  const steps = epochs === undefined ? usual : epochs * perEpoch;
  const validationMax = fromWords ? epochsMinStepsMax / 2 : VALIDATION_STEPS_MAX[method];
  return {
    retrainSteps: Math.min(steps, RETRAIN_STEPS_MAX),
    validationSteps: Math.min(validationMax, Math.ceil(steps / 2)),
  };
}

function defaultRates(
  method: "auto" | "spt",
  { pairMode, fromWords }: { pairMode: PairMode; fromWords: boolean },
): readonly number[] {
  if (fromWords) return [LABEL_WORDS.learningRate];
  return method === "auto" && pairMode === "dual" ? [DUAL_LEARNING_RATE] : LEARNING_RATES[method];
}

/** Low-rank updates were measured on encoders of sentences alone, which read each text once. */
function everywhereOf(
  method: "auto" | "spt",
  { learnsMuch, pairMode, verbalizer }: { learnsMuch: boolean; pairMode: PairMode; verbalizer: boolean },
): Settings["everywhere"] {
  if (method === "spt") return [];
  return learnsMuch && pairMode === "joint" && !verbalizer ? ["scale_shift", "low_rank"] : ["scale_shift"];
}

/**
 * On few texts scales everywhere are the best that there is, on few dual pairs they are no better than none and at times
 * worse: docs/decisions.
 */
function preferredOf(method: "auto" | "spt", pairMode: PairMode): { readonly preferred?: Preferred } {
  if (method === "spt") return {};
  return { preferred: pairMode === "dual" ? "no_insertions" : "everywhere" };
}
