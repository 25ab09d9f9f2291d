// How well logistic regression on given features predicts rows it has not seen.
import { indexOfLargest } from "#model";
import { foldsStratified } from "../dataset/split.ts";
import { pick, pickRows } from "../pick-rows.ts";
import { type FitOptions, fitLogisticRegression, type LabelledFeatures } from "./fit-logistic-regression.ts";
import { headLogits } from "./head-logits.ts";

const FOLDS = 4;
/** More rows than this say nothing more; as many, evenly over the classes, are drawn. */
const ROWS_MAX = 2_000;

/** The same for every set of features that is compared. `firstRows`: see firstRowsOf. */
export function crossValidationFolds(
  labels: readonly number[],
  random: () => number,
  firstRows: readonly number[],
): number[][] {
  if (labels.length <= ROWS_MAX) return foldsStratified(labels, FOLDS, random, firstRows);
  const [some = []] = foldsStratified(labels, Math.ceil(labels.length / ROWS_MAX), random, firstRows);
  const folds = foldsStratified(pick(labels, some), FOLDS, random, pick(firstRows, some));
  return folds.map((fold) => pick(some, fold));
}

/** Rows held out, and how many were answered right. Rows beyond the labels are not read. */
export async function crossValidate(
  { features_BD, labels, width, classes }: LabelledFeatures,
  folds: readonly (readonly number[])[],
  options: Pick<FitOptions, "signal"> = {},
): Promise<{ rows: number; hits: number }> {
  const only = (indices: readonly number[]) => ({
    features_BD: pickRows(features_BD, width, indices),
    labels: pick(labels, indices),
  });
  let [rows, hits] = [0, 0];
  for (const held of folds.filter(({ length }) => length > 0)) {
    const learned = folds.filter((fold) => fold !== held).flat();
    const head = await fitLogisticRegression({ ...only(learned), width, classes }, options);
    const { features_BD: unseen, labels: actual } = only(held);
    const logits = headLogits(head, unseen, width);
    rows += actual.length;
    hits += actual.filter(
      (label, row) => indexOfLargest(logits.subarray(row * classes, (row + 1) * classes)) === label,
    ).length;
  }
  return { rows, hits };
}
