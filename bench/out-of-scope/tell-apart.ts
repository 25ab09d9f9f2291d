// How well one number tells two groups of rows apart.

/** The probability that a row of `high` has the larger score than one of `low`; equal ones count half. */
export function areaUnderRoc(high: readonly number[], low: readonly number[]): number {
  const sorted = low.toSorted((a, b) => a - b);
  const wins = high.reduce((sum, score) => {
    const [below, upTo] = [
      countWhile(sorted, (other) => other < score),
      countWhile(sorted, (other) => other <= score),
    ];
    return sum + (below + upTo) / 2;
  }, 0);
  return wins / (high.length * low.length);
}

/** The share of `low` below the score that so large a `share` of `high` lies below. */
export function shareBelowQuantile(high: readonly number[], low: readonly number[], share: number): number {
  const sorted = high.toSorted((a, b) => a - b);
  const threshold = sorted[Math.floor(share * sorted.length)] ?? Number.NEGATIVE_INFINITY;
  return low.filter((score) => score < threshold).length / low.length;
}

/** Of a sorted list, how many items from the start the test holds for, by bisection. */
function countWhile(sorted: readonly number[], holds: (value: number) => boolean): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(sorted[middle] ?? 0)) from = middle + 1;
    else to = middle;
  }
  return from;
}
