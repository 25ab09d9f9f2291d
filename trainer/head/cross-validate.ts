// How well logistic regression on given features predicts rows it has not seen.
import { must } from "#model/graph";
import { foldsStratified } from "../dataset/split.ts";
import { pickRows } from "../pick-rows.ts";
import { fitLogisticRegression, headLogits, type LabelledFeatures } from "./fit-logistic-regression.ts";

const FOLDS = 4;
/** More rows than this say nothing more; as many, evenly over the classes, are drawn. */
const ROWS_MAX = 2_000;

/** The same for every set of features that is compared. */
export function crossValidationFolds(labels: readonly number[], random: () => number): number[][] {
  if (labels.length <= ROWS_MAX) return foldsStratified(labels, FOLDS, random);
  const [some = []] = foldsStratified(labels, Math.ceil(labels.length / ROWS_MAX), random);
  const folds = foldsStratified(
    some.map((index) => must(labels[index], "label")),
    FOLDS,
    random,
  );
  return folds.map((fold) => fold.map((at) => must(some[at], "index")));
}

/** Rows held out, and how many were answered right. Rows beyond the labels are not read. */
export async function crossValidate(
  { features_BD, labels, width, classes }: LabelledFeatures,
  folds: readonly (readonly number[])[],
): Promise<{ rows: number; hits: number }> {
  const pick = (indices: readonly number[]) => ({
    features_BD: pickRows(features_BD, width, indices),
    labels: indices.map((index) => must(labels[index], "label")),
  });
  let [rows, hits] = [0, 0];
  for (const held of folds.filter(({ length }) => length > 0)) {
    const learned = folds.filter((fold) => fold !== held).flat();
    const head = await fitLogisticRegression({ ...pick(learned), width, classes });
    const { features_BD: unseen, labels: actual } = pick(held);
    const logits = headLogits(head, unseen, width);
    rows += actual.length;
    hits += actual.filter((label, row) => {
      const own = logits.subarray(row * classes, (row + 1) * classes);
      return own.indexOf(Math.max(...own)) === label;
    }).length;
  }
  return { rows, hits };
}
