// Which setting to train with, decided on held-out rows: the insertions of the search at each learning
// rate, others, and none at all. The held-out rows are the user's own where given; else each candidate learns on
// one half and is measured on the other, with few rows both ways round, so that every row is held out once.
import { indexOfLargest } from "#model";
import { fitTemperature, negativeLogLikelihood } from "./calibrate.ts";
import { evaluate } from "./evaluate.ts";
import { joinArrays } from "./join-arrays.ts";
import { pick } from "./pick-rows.ts";
import type { InsertionPlace } from "./spt/insertions.ts";
import { standardError } from "./standard-error.ts";

/** Rows below which the halves also swap. */
const BOTH_WAYS_BELOW_ROWS = 128;

/** Rows below which the other half is held out too, once the adapter is made, for the report alone. */
const REPORTED_BOTH_WAYS_BELOW_ROWS = 2_000;

/** By more than so many a candidate is clearly better than the preferred one: docs/decisions. */
const CLEAR_STANDARD_ERRORS = 2;

export interface InsertionCandidate {
  readonly learningRate: number;
  readonly insertions: readonly InsertionPlace[];
}

/** Undefined: no insertions, the head alone. "label_words": nothing learned, the verbalizer's own head. */
export type Candidate = InsertionCandidate | "label_words" | undefined;

export function hasInsertions(candidate: Candidate): candidate is InsertionCandidate {
  return typeof candidate === "object";
}

export interface HeldOutFigures {
  readonly candidate: Candidate;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly n: number;
  readonly temperature: number;
  /** Mean negative log-likelihood at that temperature. */
  readonly loss: number;
  readonly answers: HeldOutAnswers;
}

export interface HeldOutAnswers {
  /** Indices of examples, fold by fold. */
  readonly held: readonly number[];
  /** [n, C] */
  readonly logits_BC: Float32Array;
}

/** Indices of examples: one part to learn from, and one to measure on. */
export interface Fold {
  readonly learn: readonly number[];
  readonly held: readonly number[];
}

export interface CandidateTrial extends Fold {
  readonly candidate: Candidate;
}

/**
 * Figures of every candidate, in order. `logitsOf` trains a candidate on `learn` and gives the logits
 * [held, C] of the rows it has not seen.
 */
export async function validateCandidates(
  candidates: readonly Candidate[],
  data: { folds: readonly Fold[]; labels: readonly number[]; classes: readonly string[] },
  logitsOf: (trial: CandidateTrial) => Promise<Float32Array>,
): Promise<HeldOutFigures[]> {
  const { folds } = data;
  const figures: HeldOutFigures[] = [];
  for (const candidate of candidates) {
    const parts: Float32Array[] = [];
    for (const fold of folds) parts.push(await logitsOf({ candidate, ...fold }));
    const logits_BC = joinArrays(parts);
    const held = folds.flatMap((fold) => fold.held);
    const labels = pick(data.labels, held);
    figures.push({ candidate, ...measure(logits_BC, labels, data.classes), answers: { held, logits_BC } });
  }
  return figures;
}

/** Folds that two halves of so many rows make: 1 or 2. */
export function foldCount(rows: number): number {
  return rows < BOTH_WAYS_BELOW_ROWS ? 2 : 1;
}

/**
 * The most accurate; among equals the one of least loss, then the earlier. A preferred candidate gives way
 * only to one that is better by more than two standard errors, as luck makes one in forty: on few rows the best of
 * several is best by luck (Breiman et al. 1984, whose rule has one).
 */
export function bestCandidate(
  figures: readonly HeldOutFigures[],
  isPreferred: (candidate: Candidate) => boolean = () => false,
): HeldOutFigures {
  const best = figures.reduce((one, next) => (isBetter(next, one) ? next : one));
  const preferred = figures.find(({ candidate }) => isPreferred(candidate));
  if (!preferred) return best;
  const { accuracy, n } = preferred;
  const isClear = best.accuracy - accuracy > CLEAR_STANDARD_ERRORS * standardError(accuracy, n);
  return isClear ? best : preferred;
}

function isBetter(a: HeldOutFigures, b: HeldOutFigures): boolean {
  return a.accuracy === b.accuracy ? a.loss < b.loss : a.accuracy > b.accuracy;
}

/** One half to learn from, the other to measure on; both ways round where rows are few. */
export function foldsOfHalves([first, second]: readonly [readonly number[], readonly number[]]): Fold[] {
  const forward = { learn: first, held: second };
  const back = { learn: second, held: first };
  return foldCount(first.length + second.length) === 2 ? [forward, back] : [forward];
}

/** Of so many rows: 1 where the report holds out the half that foldsOfHalves does not. */
export function reportFoldCount(rows: number): 0 | 1 {
  return foldCount(rows) === 1 && rows < REPORTED_BOTH_WAYS_BELOW_ROWS ? 1 : 0;
}

/** Of so many examples: parts that decide, and parts for the report alone, where what is compared with learns on all again. */
export function foldCounts(
  rows: number,
  { hasValidation, isCompared }: { hasValidation: boolean; isCompared: boolean },
): { folds: number; reportFolds: number } {
  if (hasValidation) return { folds: 1, reportFolds: 0 };
  const folds = foldCount(rows);
  const reportFolds = reportFoldCount(rows);
  return { folds, reportFolds: isCompared ? folds + 2 * reportFolds : reportFolds };
}

/** What is left to hold out, so that every row is held out once; none where rows are few or many. */
export function foldsForReport([first, second]: readonly [readonly number[], readonly number[]]): Fold[] {
  return reportFoldCount(first.length + second.length) === 1 ? [{ learn: second, held: first }] : [];
}

function measure(logits_BC: Float32Array, labels: readonly number[], classes: readonly string[]) {
  const count = classes.length;
  const predicted = labels.map((_, row) =>
    indexOfLargest(logits_BC.subarray(row * count, (row + 1) * count)),
  );
  const { accuracy, macroF1, n } = evaluate(labels, predicted, classes);
  const temperature = fitTemperature(logits_BC, labels, count);
  return {
    accuracy,
    macroF1,
    n,
    temperature,
    loss: negativeLogLikelihood(logits_BC, labels, count, temperature),
  };
}
