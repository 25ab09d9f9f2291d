// What the held-out rows say of the chosen candidate, for the user: each label's figures, what is taken for
// what, how far scores can be believed, and which examples look mislabelled.
import { indexOfLargest, largest } from "#model";
import { must } from "#model/graph";
import { confusionMatrixOf, confusionsOf } from "./confusions.ts";
import { evaluate, type LabelEvaluation } from "./evaluate.ts";
import { chooseOutOfScope } from "./out-of-scope.ts";
import { type HeldOutReport, LABELS_TOLD_MAX, SUSPECTS_MAX } from "./report.ts";

/** Bins of the reliability diagram, of equal width (Guo et al. 2017). */
const BINS = 10;

export interface HeldOutRows {
  readonly from: HeldOutReport["from"];
  /** Of each row, its class. */
  readonly labels: readonly number[];
  /** Of each row, its number in the file. */
  readonly rows: readonly number[];
  readonly classes: readonly string[];
}

export interface HeldOutLogits {
  /** [n, C] of the rows. */
  readonly logits_BC: Float32Array;
  readonly temperature: number;
  /** What the out-of-scope threshold is chosen by, each [any, C]; see out-of-scope.ts. */
  readonly inScope: readonly Float32Array[];
}

/** Figures of labels are told within the limits of report.ts. */
export function describeHeldOut(
  { logits_BC, temperature, inScope }: HeldOutLogits,
  { from, ...held }: HeldOutRows,
): HeldOutReport {
  const { labels, classes } = held;
  const calibrated = probabilities(logits_BC, classes.length, temperature);
  const predicted = calibrated.map(indexOfLargest);
  const bins = reliability(calibrated, labels);
  const rawBins = reliability(probabilities(logits_BC, classes.length, 1), labels);
  const { accuracy, macroF1, n, perLabel } = evaluate(labels, predicted, classes);
  const outOfScope = chooseOutOfScope(inScope, classes.length);
  const suspects = suspectsOf(calibrated, held);
  return {
    ...{ from, n, accuracy, macroF1, perLabel: weakest(perLabel) },
    confusions: confusionsOf(labels, predicted, classes),
    confusionMatrix: confusionMatrixOf(labels, predicted, classes),
    ...(outOfScope ? { outOfScope } : {}),
    calibration: {
      errorBefore: calibrationError(rawBins, labels.length),
      errorAfter: calibrationError(bins, labels.length),
      bins,
    },
    suspectsFound: suspects.length,
    suspects: suspects.slice(0, SUSPECTS_MAX),
  };
}

function weakest(perLabel: readonly LabelEvaluation[]): LabelEvaluation[] {
  const told = new Set(perLabel.toSorted((a, b) => a.f1 - b.f1).slice(0, LABELS_TOLD_MAX));
  return perLabel.filter((one) => told.has(one));
}

/** Each [C]. */
function probabilities(logits_BC: Float32Array, classes: number, temperature: number): Float64Array[] {
  return Array.from({ length: logits_BC.length / classes }, (_, row) => {
    const logits = Float64Array.from(logits_BC.subarray(row * classes, (row + 1) * classes));
    const top = largest(logits);
    const powers = logits.map((value) => Math.exp((value - top) / temperature));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  });
}

/** Rows by the score of their answer: how sure, and how often right. Empty bins are left out. */
function reliability(
  scores: readonly Float64Array[],
  labels: readonly number[],
): HeldOutReport["calibration"]["bins"] {
  const bins = Array.from({ length: BINS }, () => ({ n: 0, confidence: 0, hits: 0 }));
  for (const [row, score] of scores.entries()) {
    const answer = indexOfLargest(score);
    const confidence = score[answer] ?? 0;
    const bin = must(bins[Math.min(BINS - 1, Math.floor(confidence * BINS))], "bin");
    bin.n += 1;
    bin.confidence += confidence;
    if (answer === labels[row]) bin.hits += 1;
  }
  return bins
    .filter(({ n }) => n > 0)
    .map(({ n, confidence, hits }) => ({ n, confidence: confidence / n, accuracy: hits / n }));
}

/** Expected calibration error: the mean distance of confidence and accuracy, bins by their rows. */
function calibrationError(bins: HeldOutReport["calibration"]["bins"], rows: number): number {
  return (
    bins.reduce((sum, { n, confidence, accuracy }) => sum + n * Math.abs(confidence - accuracy), 0) / rows
  );
}

/**
 * Confident learning (Northcutt et al. 2021): a row is suspect where another class's score reaches that
 * class's mean over the rows that have it. The largest lead over the own label's score first.
 */
function suspectsOf(
  scores: readonly Float64Array[],
  { labels, rows, classes }: Omit<HeldOutRows, "from">,
): HeldOutReport["suspects"] {
  const thresholds = meanOwnScores(scores, labels, classes.length);
  return scores
    .flatMap((score, row) => {
      const label = must(labels[row], "label");
      const guess = indexOfLargest(score);
      if (guess === label || (score[guess] ?? 0) < (thresholds[guess] ?? 0)) return [];
      const lead = (score[guess] ?? 0) - (score[label] ?? 0);
      const names = { label: must(classes[label], "label"), guess: must(classes[guess], "guess") };
      return [{ row: must(rows[row], "row"), ...names, score: score[guess] ?? 0, lead }];
    })
    .toSorted((a, b) => b.lead - a.lead)
    .map(({ lead: _, ...suspect }) => suspect);
}

/** Of each class, over the rows that have it: how much their scores give it. */
function meanOwnScores(
  scores: readonly Float64Array[],
  labels: readonly number[],
  classes: number,
): number[] {
  const sums = Array.from({ length: classes }, () => ({ rows: 0, score: 0 }));
  for (const [row, label] of labels.entries()) {
    const sum = must(sums[label], "class");
    sum.rows += 1;
    sum.score += scores[row]?.[label] ?? 0;
  }
  return sums.map(({ rows, score }) => (rows > 0 ? score / rows : Number.POSITIVE_INFINITY));
}
