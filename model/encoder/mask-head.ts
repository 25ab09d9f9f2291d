// What the head of a masked-language-model backbone makes of the state at the mask: the vector whose product
// with a word's row of the decoder is that word's logit. Frozen, as all of the backbone.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { activate, type EncoderSource, normalize } from "./encoder.ts";
import { createLinear } from "./linear.ts";
import { poolTexts, unitLength } from "./pool.ts";
import type { MaskHead } from "./weights.ts";

/**
 * The vector [B, D] that heads read: pool_BX · states_RTD of unit length, or, of a backbone with a
 * masked-language-model head, norm(activation(dense(state at the mask))) / maskScale, of about unit length
 * and linear in the words' logits.
 */
export function textFeatures(
  builder: GraphBuilder,
  source: EncoderSource,
  { pool_BX, states_RTD }: { pool_BX: Tensor; states_RTD: Tensor },
): Tensor {
  return featuresOfPooled(builder, source, poolTexts(builder, pool_BX, states_RTD));
}

/** The same of states [B, D] that are pooled already. */
export function featuresOfPooled(
  builder: GraphBuilder,
  { config, weights, precision = "fp32" }: EncoderSource,
  pooled: Tensor,
): Tensor {
  const { maskHead } = weights;
  if (config.pooling !== "mask" || !maskHead) return unitLength(builder, pooled);
  const scale = maskScale(maskHead);
  const { gamma_D, beta_D } = maskHead.norm;
  const own = {
    gamma_D: gamma_D.map((value) => value / scale),
    beta_D: beta_D.map((value) => value / scale),
  };
  const dense = createLinear(builder, precision)(pooled, maskHead.dense);
  return normalize(builder, config, activate(builder, dense, config), { own });
}

/** Root mean square length of the head's vectors, by its norm alone: x̂ has mean 0 and variance 1. */
export function maskScale({ norm: { gamma_D, beta_D } }: MaskHead): number {
  return Math.sqrt(gamma_D.reduce((sum, gamma, d) => sum + gamma ** 2 + (beta_D[d] ?? 0) ** 2, 0));
}
