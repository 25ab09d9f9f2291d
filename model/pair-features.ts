// What the head reads of a pair whose texts are encoded each alone: |u - v|, u ⊙ v and u · v, as in
// InferSent (Conneau et al. 2017) with the cosine of the two unit vectors added. Weighted, since the head's
// penalty is the same for all: the one cosine says more than any of the 2D others.

/** "joint": a pair is one sequence of two segments. "dual": each text alone; the head reads pair features. */
export type PairMode = "joint" | "dual";

export const PAIR_WEIGHTS = { dimension: 0.5, cosine: 3 };

/** F: D, or 2D + 1 for dual pairs. */
export function featureWidth(width: number, pairMode: PairMode): number {
  return pairMode === "dual" ? 2 * width + 1 : width;
}

/** [F] of two unit vectors [D]. */
export function pairFeatures(first_D: Float32Array, second_D: Float32Array): Float32Array {
  const width = first_D.length;
  const features = new Float32Array(2 * width + 1);
  let dot = 0;
  for (let d = 0; d < width; d++) {
    const [u, v] = [first_D[d] ?? 0, second_D[d] ?? 0];
    features[d] = PAIR_WEIGHTS.dimension * Math.abs(u - v);
    features[width + d] = PAIR_WEIGHTS.dimension * u * v;
    dot += u * v;
  }
  features[2 * width] = PAIR_WEIGHTS.cosine * dot;
  return features;
}
