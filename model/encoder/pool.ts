// From final states to one vector a text, as a small matrix product: row b of the averaging matrix
// holds 1/length at the packed positions of text b (or 1 at its first token).
import type { GraphBuilder, Tensor } from "../graph/builder.ts";

/** pool_BX · states_XD with X = R·T: [B, D]. */
export function poolTexts(builder: GraphBuilder, pool_BX: Tensor, states_RTD: Tensor): Tensor {
  return builder.apply("MatMul", [pool_BX, flattenRows(builder, states_RTD)]);
}

/** [R, T, D] → [X, D], [R, T] → [X]; the size X = R·T is named "RT" after the two. */
export function flattenRows(builder: GraphBuilder, rows: Tensor): Tensor {
  const [first, second, ...width] = rows.shape;
  return builder.reshape(rows, [-1, ...width.map(Number)], [`${first}${second}`, ...width]);
}

/** x / ‖x‖ over the last axis: what the head sees. */
export function unitLength(builder: GraphBuilder, x_BD: Tensor): Tensor {
  const squares = builder.apply("ReduceSum", [builder.apply("Mul", [x_BD, x_BD])], {
    axes: [x_BD.shape.length - 1],
  });
  const length = builder.apply("Sqrt", [builder.apply("Add", [squares, builder.scalar(1e-12)])]);
  return builder.apply("Div", [x_BD, length]);
}
