// The head and the losses as graph nodes.
import type { GraphBuilder, Tensor } from "#model/graph";

/** logits_BC = features_BD · head_DC + headBias_C. */
export function logitsOf(
  builder: GraphBuilder,
  features_BD: Tensor,
  head: { weight_DC: Tensor; bias_C: Tensor },
): Tensor {
  return builder.apply("Add", [builder.apply("MatMul", [features_BD, head.weight_DC]), head.bias_C]);
}

/** Σ_b Σ_c -target_bc · log softmax(logits)_bc, as [1, 1]; targets carry the examples' weights. */
export function crossEntropy(builder: GraphBuilder, logits_BC: Tensor, targets_BC: Tensor): Tensor {
  const probability = builder.apply("Softmax", [logits_BC]);
  const log = builder.apply("Log", [builder.apply("Add", [probability, builder.scalar(1e-9)])]);
  const weighted = builder.apply("Mul", [targets_BC, log]);
  return builder.apply("Neg", [builder.apply("ReduceSum", [weighted], { axes: [0, 1] })]);
}

/**
 * Architecture consistency: mean squared distance between the vectors of two passes of the same texts
 * under different gate masks. difference_HB holds +1 and -1 at a text's two passes, scaled.
 */
export function consistency(builder: GraphBuilder, features_BD: Tensor, difference_HB: Tensor): Tensor {
  const gap = builder.apply("MatMul", [difference_HB, features_BD]);
  return builder.apply("ReduceSum", [builder.apply("Mul", [gap, gap])], { axes: [0, 1] });
}

const CONTRASTIVE_TEMPERATURE = 0.1;

/**
 * Supervised contrastive loss (Khosla et al. 2020) of unit-length vectors: Σ_ij -positives_ij ·
 * log softmax_j(f_i · f_j / 0.1 + self_ij), as [1, 1]. positives_BB holds the weight of each pair of one
 * class, self_BB a large negative number on the diagonal.
 */
export function contrastive(
  builder: GraphBuilder,
  features_BD: Tensor,
  { positives, self }: { positives: Tensor; self: Tensor },
): Tensor {
  const transposed = builder.apply("Transpose", [features_BD], { perm: [1, 0] });
  const similarity = builder.apply("MatMul", [features_BD, transposed]);
  const scaled = builder.apply("Mul", [similarity, builder.scalar(1 / CONTRASTIVE_TEMPERATURE)]);
  return crossEntropy(builder, builder.apply("Add", [scaled, self]), positives);
}
