// Scales and shifts of many adapters in one batch: each row of states is normalised as the backbone does it, then
// scaled and shifted from there to what its adapter has. So a row without any is the backbone's to the last digit,
// whatever stands beside it in the batch.
import type { Norm } from "./weights.ts";

/** A gamma nearer to zero is not scaled from: what it leaves of a state is too little. */
const GAMMA_MIN = 0.01;

/** The norm that rows of states start from: the backbone's own, or, where a gamma of it is near zero, 1 and 0. */
export function startOfNorm(own: Norm): Norm {
  if (own.gamma_D.every((gamma) => Math.abs(gamma) >= GAMMA_MIN)) return own;
  return { gamma_D: own.gamma_D.map(() => 1), beta_D: own.beta_D.map(() => 0) };
}

/** From the start of a norm to the norm itself: y = start · scale_D + shift_D. 1 and 0 where they are the same. */
export function relativeNorm(norm: Norm, start: Norm): { scale: Float32Array; shift: Float32Array } {
  const scale = norm.gamma_D.map((gamma, d) => gamma / (start.gamma_D[d] ?? 1));
  const shift = norm.beta_D.map((beta, d) => beta - (start.beta_D[d] ?? 0) * (scale[d] ?? 1));
  return { scale, shift };
}
