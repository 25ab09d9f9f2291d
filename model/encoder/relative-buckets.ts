// Buckets of relative positions, as T5 and MPNet have them: near distances one bucket each, farther ones in
// buckets that widen, all beyond the last one together; keys after the query apart from those before it.
// Raffel et al. 2020 (arXiv 1910.10683), section 2.1; transformers' MPNetEncoder.relative_position_bucket.

/** transformers computes MPNet with these numbers whatever config.json says. */
export const RELATIVE_BUCKETS = 32;
const DISTANCE_MAX = 128;

const PER_DIRECTION = RELATIVE_BUCKETS / 2;
const EXACT = PER_DIRECTION / 2;

/** Keys as far before the query as can be told. */
export const FARTHEST_BUCKET = PER_DIRECTION - 1;

/**
 * Bucket of a key `distance` positions after its query; negative: before it.
 * Of far ones: 8 + ⌊8 · log(n/8) / log(128/8)⌋ = 8 + ⌊log2(n²/64)⌋, at most 15; whole numbers, so nothing is rounded.
 */
export function bucketOf(distance: number): number {
  const steps = Math.min(Math.abs(distance), DISTANCE_MAX);
  const far = EXACT + 31 - Math.clz32((steps * steps) >> 6);
  const bucket = steps < EXACT ? steps : Math.min(far, FARTHEST_BUCKET);
  return distance > 0 ? PER_DIRECTION + bucket : bucket;
}

/** [T, T]: the bucket of each key of a row as each query of the same row sees it, query by query. */
export function bucketMatrix(rowTokens: number): Int32Array {
  return Int32Array.from({ length: rowTokens * rowTokens }, (_, at) =>
    bucketOf((at % rowTokens) - Math.floor(at / rowTokens)),
  );
}
