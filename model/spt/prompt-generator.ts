// The prompt generator as graph nodes; the trainer and the runtime use the same few.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import type { GeneratorPooling } from "./adapter.ts";

/** Weights of one generator (rank 2, training) or of each pair of a batch (rank 3, serving). */
export interface GeneratorTensors {
  /** [D, M] or [S, D, M] */
  readonly down: Tensor;
  /** [M, E] or [S, M, E] */
  readonly up: Tensor;
  /** [P, D] or [S, P, D] */
  readonly bias: Tensor;
}

/** Number of pooled slots a generator reads, and how many prompt tokens each gives: G and P/G. */
export function slotsOf(pooling: GeneratorPooling, promptTokens: number): number {
  return pooling === "mean" ? 1 : promptTokens;
}

/**
 * [S, G, D] pooled states → [S, P, D]: tanh(pooled · down) · up + bias. `keep`, [S, G, M] if given,
 * multiplies the bottleneck (dropout).
 */
export function generatePrompts(
  builder: GraphBuilder,
  pooled_SGD: Tensor,
  {
    weights,
    promptTokens,
    keep,
  }: { weights: GeneratorTensors; promptTokens: number | string; keep?: Tensor },
): Tensor {
  const width = Number(pooled_SGD.shape[2]);
  const bottleneck = builder.apply("Tanh", [builder.apply("MatMul", [pooled_SGD, weights.down])]);
  const kept = keep ? builder.apply("Mul", [bottleneck, keep]) : bottleneck;
  const wide = builder.apply("MatMul", [kept, weights.up]);
  const pairs = pooled_SGD.shape[0] ?? "S";
  const prompts =
    typeof promptTokens === "number"
      ? builder.reshape(wide, [-1, promptTokens, width], [pairs, promptTokens, width])
      : builder.reshapeLike(wide, weights.bias);
  return builder.apply("Add", [prompts, weights.bias]);
}
