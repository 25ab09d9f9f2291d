// From final states to one vector a text, as a small matrix product: row b of the averaging matrix
// holds 1/length at the packed positions of text b (or 1 at its first token).
import type { GraphBuilder, Tensor } from "../graph/builder.ts";

/** pool_BX · states_XD with X = R·T: [B, D]. */
export function poolTexts(builder: GraphBuilder, pool_BX: Tensor, states_RTD: Tensor): Tensor {
  return builder.apply("MatMul", [pool_BX, flattenRows(builder, states_RTD)]);
}

/** [R, T, D] → [X, D]. */
export function flattenRows(builder: GraphBuilder, states_RTD: Tensor): Tensor {
  const width = Number(states_RTD.shape[2]);
  return builder.reshape(states_RTD, [-1, width], ["X", width]);
}

/** x / ‖x‖ over the last axis: what the head sees. */
export function unitLength(builder: GraphBuilder, x_BD: Tensor): Tensor {
  const squares = builder.apply("ReduceSum", [builder.apply("Mul", [x_BD, x_BD])], {
    axes: [x_BD.shape.length - 1],
  });
  const length = builder.apply("Sqrt", [builder.apply("Add", [squares, builder.scalar(1e-12)])]);
  return builder.apply("Div", [x_BD, length]);
}
