// What held-out rows were taken for: the most frequent confusions, and a matrix that fits a page.
import { must } from "#model/graph";
import { CONFUSIONS_MAX, type HeldOutReport, MATRIX_LABELS_MAX } from "./report.ts";

/** Pairs of label and wrong answer, the most frequent first. */
export function confusionsOf(
  labels: readonly number[],
  predicted: readonly number[],
  classes: readonly string[],
): HeldOutReport["confusions"] {
  return countPairs(labels, predicted)
    .filter(({ label, answer }) => label !== answer)
    .toSorted((a, b) => b.count - a.count || a.label - b.label || a.answer - b.answer)
    .slice(0, CONFUSIONS_MAX)
    .map(({ label, answer, count }) => ({
      label: must(classes[label], "label"),
      answer: must(classes[answer], "answer"),
      count,
    }));
}

/**
 * Rows by label and answer. Of more than MATRIX_LABELS_MAX labels, those that wrong answers concern most, as
 * label or as answer; rows of others, and answers with others, are left out.
 */
export function confusionMatrixOf(
  labels: readonly number[],
  predicted: readonly number[],
  classes: readonly string[],
): HeldOutReport["confusionMatrix"] {
  const pairs = countPairs(labels, predicted);
  const errors = classes.map((_, index) => errorsOf(index, pairs));
  const shown = classes
    .map((_, index) => index)
    .toSorted((a, b) => (errors[b] ?? 0) - (errors[a] ?? 0) || a - b)
    .slice(0, MATRIX_LABELS_MAX)
    .toSorted((a, b) => a - b);
  const counts = shown.map(() => shown.map(() => 0));
  for (const { label, answer, count } of pairs) {
    const row = counts[shown.indexOf(label)];
    if (row && shown.includes(answer)) row[shown.indexOf(answer)] = count;
  }
  return { labels: shown.map((index) => must(classes[index], "label")), counts };
}

interface CountedPair {
  readonly label: number;
  readonly answer: number;
  readonly count: number;
}

function countPairs(labels: readonly number[], predicted: readonly number[]): CountedPair[] {
  const counts = new Map<string, CountedPair>();
  for (const [row, label] of labels.entries()) {
    const answer = must(predicted[row], "answer");
    const key = `${label} ${answer}`;
    const known = counts.get(key) ?? { label, answer, count: 0 };
    counts.set(key, { ...known, count: known.count + 1 });
  }
  return [...counts.values()];
}

function errorsOf(index: number, pairs: readonly CountedPair[]): number {
  return pairs
    .filter(({ label, answer }) => label !== answer && (label === index || answer === index))
    .reduce((sum, { count }) => sum + count, 0);
}
