// What a training says of itself; stored in the manifest and shown to the user.
import type { Device, Insertion } from "#model";
import type { DatasetWarning } from "./dataset/dataset.ts";
import type { LabelEvaluation } from "./evaluate.ts";
import type { LabelNamesReport } from "./label-names.ts";

export interface TrainingReport {
  readonly method: "auto" | "spt";
  readonly seed: number;
  readonly examples: number;
  /** Rows of the dataset that these examples were drawn from; absent where they are all. */
  readonly sampledFrom?: number;
  /** Examples longer than the backbone's token limit: only their start was read. */
  readonly truncatedExamples: number;
  readonly classes: number;
  /** What the labels' names say of the examples; absent where they were not tried. */
  readonly labelNames?: LabelNamesReport;
  /** On a backbone that predicts words: the template, and the word of each label. */
  readonly verbalizer?: { readonly template: string; readonly words: readonly string[] };
  /** Layers of the adapter's prompt generators, of its scales and shifts, and of its low-rank updates, ascending. */
  readonly promptLayers: readonly number[];
  readonly scaleShiftLayers: readonly number[];
  readonly lowRankLayers: readonly number[];
  /** Final gate of every candidate insertion of the search, kind by kind; empty where there was none. */
  readonly gates: readonly GateReport[];
  /** Their values, in the order of `gates`, after steps of the search: at most GATE_HISTORY_MAX, evenly spaced. */
  readonly gateHistory: readonly { readonly step: number; readonly values: readonly number[] }[];
  readonly trainedParameters: number;
  readonly backboneParameters: number;
  readonly phases: readonly {
    readonly name: TrainingPhase;
    readonly seconds: number;
    readonly steps: number;
    /** Mean loss over the last steps of the phase; absent where a phase has none. */
    readonly loss?: number;
    /**
     * The running mean of the loss, at most LOSS_HISTORY_MAX points, evenly spaced. In the phases that hold
     * rows out each candidate and each part starts anew.
     */
    readonly lossHistory?: readonly LossPoint[];
  }[];
  /**
   * Of the chosen candidate, on rows that it had not learned from: the user's validation rows, or one half
   * of the examples after training on the other alone (cautious: the adapter learns from all of them).
   */
  readonly validation?: { readonly accuracy: number; readonly macroF1: number; readonly n: number };
  /** What held-out rows say of the chosen candidate: these, and where it is cheap every example once. */
  readonly heldOut: HeldOutReport;
  /** Of a retraining on feedback: what it is worth. */
  readonly comparison?: ComparisonReport;
  /** Which labels more examples would help most, the most first, at most ADVICE_MAX. */
  readonly advice: readonly Advice[];
  /** Of the training file: duplicates, labels that contradict each other, classes that are small. */
  readonly warnings: readonly DatasetWarning[];
  /** Logistic regression on the frozen embeddings, same rows: what the insertions are worth. */
  readonly frozenProbe?: { readonly accuracy: number; readonly macroF1: number; readonly n: number };
  /** What was tried on the held-out rows, in order; exactly one is chosen. */
  readonly candidates: readonly CandidateReport[];
  readonly temperature: number;
  /** Of insertions and frozen vectors; heads are always fitted on the CPU, in float64. */
  readonly device: DeviceReport;
  readonly seconds: number;
}

export interface DeviceReport {
  readonly used: Device;
  /** Times as fast as the CPU in a trial; absent where it was asked for by name. */
  readonly speedup?: number;
  /** Where the best was to be taken: what is not, or not faster. */
  readonly passedOver?: readonly { readonly device: Device; readonly reason: string }[];
}

export interface HeldOutReport {
  /**
   * every_example_once: two-fold cross-validation; half_of_the_examples: of the other half's training;
   * validation_file: the user's own rows.
   */
  readonly from: "every_example_once" | "half_of_the_examples" | "validation_file";
  readonly n: number;
  readonly accuracy: number;
  readonly macroF1: number;
  /** In the order of labels; of more than LABELS_TOLD_MAX, those of least F1. */
  readonly perLabel: readonly LabelEvaluation[];
  /** What was answered wrongly instead of what, the most frequent first, at most CONFUSIONS_MAX. */
  readonly confusions: readonly { readonly label: string; readonly answer: string; readonly count: number }[];
  /** Of more than MATRIX_LABELS_MAX labels, those that errors concern most, and only rows and answers of these. */
  readonly confusionMatrix: {
    readonly labels: readonly string[];
    /** Rows of label i that were answered with label j, at [i][j]. */
    readonly counts: readonly (readonly number[])[];
  };
  /** Absent where too few rows were held out to choose a threshold. */
  readonly outOfScope?: OutOfScopeReport;
  readonly calibration: {
    /**
     * Expected calibration error of the answers' scores, without and with the temperature. The latter is
     * fitted to the same rows, so a little optimistic.
     */
    readonly errorBefore: number;
    readonly errorAfter: number;
    /** Reliability diagram, with the temperature: answers by score in tenths. */
    readonly bins: readonly {
      readonly n: number;
      readonly confidence: number;
      readonly accuracy: number;
    }[];
  };
  /** Rows that look mislabelled, of the validation file where given: how many, */
  readonly suspectsFound: number;
  /** and the clearest of them, first, at most SUSPECTS_MAX. */
  readonly suspects: readonly {
    /** As the file counts. */
    readonly row: number;
    readonly label: string;
    readonly guess: string;
    /** Of the guess. */
    readonly score: number;
  }[];
}

export interface ComparisonReport {
  /** Of the adapter, that is compared with. */
  readonly version: number;
  /** What was compared, and how, in words. */
  readonly how: string;
  /** Held-out rows, the same for both. */
  readonly n: number;
  readonly candidate: { readonly accuracy: number; readonly macroF1: number };
  readonly production: { readonly accuracy: number; readonly macroF1: number };
  /** Of these rows, those that are feedback; absent where none was held out. */
  readonly onFeedback?: { readonly n: number; readonly candidate: number; readonly production: number };
}

export interface OutOfScopeReport {
  /** A text whose largest logit is below this is out of scope. */
  readonly below: number;
  /** Of texts that are of one of the labels, the share that is expected to be kept, at least. */
  readonly expectedInScopeRecall: number;
  /** Rows it was chosen on. */
  readonly n: number;
}

export interface Advice {
  readonly label: string;
  /** Of those learned from: where some were drawn, fewer than the file has, but not of a label that has few. */
  readonly examples: number;
  /** Of the held-out rows. */
  readonly f1: number;
  readonly reasons: readonly AdviceReason[];
  /** All of it in words. */
  readonly message: string;
}

export type AdviceReason =
  | { readonly kind: "few_examples"; readonly examples: number }
  | { readonly kind: "low_recall"; readonly recall: number; readonly n: number }
  | { readonly kind: "low_precision"; readonly precision: number }
  | { readonly kind: "taken_for"; readonly label: string; readonly count: number };

export const ADVICE_MAX = 5;
export const LABELS_TOLD_MAX = 200;
export const MATRIX_LABELS_MAX = 24;
export const CONFUSIONS_MAX = 50;
export const SUSPECTS_MAX = 20;

export interface GateReport {
  readonly kind: Insertion["kind"];
  readonly layer: number;
  /** 0 … 1 */
  readonly value: number;
}

export interface CandidateReport {
  /** Nothing is learned: the head that reads the label words. */
  readonly labelWords?: true;
  /** Both absent: the head alone on the frozen encoder. */
  readonly learningRate?: number;
  readonly insertions?: readonly { readonly kind: Insertion["kind"]; readonly layer: number }[];
  readonly accuracy: number;
  readonly macroF1: number;
  /** Mean negative log-likelihood at the candidate's own best temperature. */
  readonly loss: number;
  /** Gives way only to a candidate that is more accurate by more than two standard errors. */
  readonly preferred?: true;
  readonly chosen: boolean;
}

/** "report": the chosen candidate on rows that were not yet held out, for the figures alone. */
export type TrainingPhase = "embed" | "search" | "validate" | "retrain" | "head" | "report";

export interface LossPoint {
  /** Of the phase, from 1. */
  readonly step: number;
  readonly loss: number;
}

export const GATE_HISTORY_MAX = 50;
export const LOSS_HISTORY_MAX = 60;

export interface TrainingProgress {
  readonly phase: TrainingPhase;
  /** 0 … 1 over the whole training. */
  readonly progress: number;
  readonly step: number;
  readonly steps: number;
  readonly loss?: number;
  readonly gates?: readonly number[];
}
