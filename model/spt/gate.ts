// The gates of the search: one number per candidate layer that decides between the propagated and the
// new prompt, and their relaxations. Each choice the paper leaves open is one function here.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";

/** a_l = sigmoid(alpha_l); alpha starts at 0. */
export function gateValue(builder: GraphBuilder, alpha: Tensor): Tensor {
  return builder.apply("Sigmoid", [alpha]);
}

/**
 * SPT-DARTS' re-parameterised gates: â_l = a_l · stop(Σ a_j) / Σ a_j. The forward value is a_l; in the
 * gradient the gates compete for one budget: ∂L/∂a_l = g_l - (Σ_k a_k g_k) / Σ_j a_j.
 */
export function reparameterizeGates(builder: GraphBuilder, gates: readonly Tensor[]): Tensor[] {
  const [first, ...rest] = gates;
  if (!first) return [];
  const total = rest.reduce((sum, gate) => builder.apply("Add", [sum, gate]), first);
  const frozen = builder.apply("StopGradient", [total]);
  return gates.map((gate) => builder.apply("Div", [builder.apply("Mul", [gate, frozen]), total]));
}

/** prompt_l = (1 - τ·a_l) · propagated_l + τ·a_l · new_l, with τ = 1; nothing is propagated into layer 0. */
export function blendPrompts(
  builder: GraphBuilder,
  { gate, propagated, fresh }: { gate: Tensor; propagated: Tensor | undefined; fresh: Tensor },
): Tensor {
  if (!propagated) return builder.apply("Mul", [gate, fresh]);
  const change = builder.apply("Sub", [fresh, propagated]);
  return builder.apply("Add", [propagated, builder.apply("Mul", [gate, change])]);
}

/**
 * How much of a prompt exists at layer l: v_l = 1 - Π_{k≤l} (1 - a_k), so 0 before the first selected
 * layer of hard gates and 1 from it on. Given v_{l-1} (or none) and a_l, returns v_l.
 */
export function promptPresence(builder: GraphBuilder, gate: Tensor, before?: Tensor): Tensor {
  if (!before) return gate;
  const missing = builder.apply("Mul", [
    builder.apply("Sub", [builder.scalar(1), before]),
    builder.apply("Sub", [builder.scalar(1), gate]),
  ]);
  return builder.apply("Sub", [builder.scalar(1), missing]);
}

/** log(v + 1e-6): added to the attention scores of prompt keys, it weighs them by their presence. */
export function presenceBias(builder: GraphBuilder, presence: Tensor): Tensor {
  return builder.apply("Log", [builder.apply("Add", [presence, builder.scalar(1e-6)])]);
}
