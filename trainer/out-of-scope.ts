// When a text is of none of the labels, decided on rows that are in scope: a threshold that keeps a stated share of
// them is expected to keep as many of new texts.
import { largest } from "#model";
import type { OutOfScopeReport } from "./report.ts";

/** Of texts that are in scope, the share that may be taken for out of scope. */
const LOST_SHARE = 0.05;

/**
 * Split conformal (Vovk et al. 2005): below the k-th smallest score of n rows, a new text of the same kind lies
 * with a probability of at most k / (n + 1). Undefined where so few rows promise nothing: fewer than 19.
 *
 * That holds of rows that the adapter has not learned from. Where there are none, several estimates of what it
 * would say of them are given, some too small and some too large, and the threshold is the mean of theirs. Each
 * [n, C] logits, without the temperature; n as many in the first as the report says.
 */
export function chooseOutOfScope(
  estimates: readonly Float32Array[],
  classes: number,
): OutOfScopeReport | undefined {
  const chosen = estimates.map((logits_BC) => chooseThreshold(largestLogits(logits_BC, classes)));
  const [first] = chosen;
  if (!first || chosen.some((one) => one === undefined)) return undefined;
  const below = chosen.reduce((sum, one) => sum + (one?.below ?? 0), 0) / chosen.length;
  return { ...first, below };
}

function chooseThreshold(scores: readonly number[]): OutOfScopeReport | undefined {
  const rank = Math.floor(LOST_SHARE * (scores.length + 1));
  const below = scores.toSorted((a, b) => a - b)[rank - 1];
  if (below === undefined) return undefined;
  return { below, expectedInScopeRecall: 1 - rank / (scores.length + 1), n: scores.length };
}

/** Of each row. */
function largestLogits(logits_BC: Float32Array, classes: number): number[] {
  return Array.from({ length: logits_BC.length / classes }, (_, row) =>
    largest(logits_BC.subarray(row * classes, (row + 1) * classes)),
  );
}
