// The largest of some numbers, and where it stands.

type Floats = Float32Array | Float64Array;

/** -Infinity of none. */
export function largest(values: Floats): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** The first of the largest. */
export function indexOfLargest(values: Floats): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}
