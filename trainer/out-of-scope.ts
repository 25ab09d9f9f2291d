// When a text is of none of the labels, decided on held-out rows: all of them are in scope, so a threshold that
// keeps a stated share of them is expected to keep as many of new texts.
import type { OutOfScopeReport } from "./report.ts";

/** Of texts that are in scope, the share that may be taken for out of scope. */
const LOST_SHARE = 0.05;

/**
 * Split conformal (Vovk et al. 2005): below the k-th smallest score of n rows, a new text of the same kind lies
 * with a probability of at most k / (n + 1). Undefined where so few rows promise nothing: fewer than 19.
 * Logits [n, C] of held-out rows, without the temperature.
 */
export function chooseOutOfScope(logits_BC: Float32Array, classes: number): OutOfScopeReport | undefined {
  const scores = largestLogits(logits_BC, classes);
  const rank = Math.floor(LOST_SHARE * (scores.length + 1));
  const below = scores.toSorted((a, b) => a - b)[rank - 1];
  if (below === undefined) return undefined;
  return { below, expectedInScopeRecall: 1 - rank / (scores.length + 1), n: scores.length };
}

/** Of each row. */
function largestLogits(logits_BC: Float32Array, classes: number): number[] {
  return Array.from({ length: logits_BC.length / classes }, (_, row) =>
    logits_BC
      .subarray(row * classes, (row + 1) * classes)
      .reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  );
}
