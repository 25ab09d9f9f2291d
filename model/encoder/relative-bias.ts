// Relative attention bias (MPNet, T5): what is added to the score of a key for how far it stands from its
// query, by head. One table for all layers.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { FARTHEST_BUCKET } from "./relative-buckets.ts";

/**
 * [1, H, T, T] out of the table [buckets, H] and the bucket [1, T, T] of each two positions of a row. It is the same
 * in every row: a text lies in one piece, so positions of one text are as far apart in the row as in the text, and
 * what stands there for positions of two texts is added to scores that HIDDEN_KEY_BIAS hides.
 *
 * Each head's biases are taken relative to its farthest bucket. Softmax does not see what all keys of a query share,
 * so the texts' states stay what they are; but a key without bias now counts as one that is far away.
 */
export function relativeBias(
  builder: GraphBuilder,
  { biases, heads }: { biases: Float32Array; heads: number },
  buckets_1TT: Tensor,
): Tensor {
  const farthest_H = biases.subarray(FARTHEST_BUCKET * heads, (FARTHEST_BUCKET + 1) * heads);
  const centred = biases.map((bias, at) => bias - (farthest_H[at % heads] ?? 0));
  const table = builder.constant(centred, [biases.length / heads, heads]);
  return builder.apply("Transpose", [builder.apply("Gather", [table, buckets_1TT])], { perm: [0, 3, 1, 2] });
}

/**
 * bias_R1TK of the texts' queries plus their relative bias: [R, H, T, K], the texts' keys first. Prompts, the keys
 * behind them, get none: that of a token farther away than can be told. A prompt has no place in the text, and a
 * backbone has learned to read such a distance (all-mpnet-base-v2's two farthest buckets, before and after, differ by
 * 0.4 at most, its heads' farthest ones lie between -3.4 and 0.5), while a bias of 0 would stand out in heads
 * whose far tokens have -3. As queries, prompts need nothing added: everything is equally far from them.
 */
export function addRelativeBias(builder: GraphBuilder, bias_R1TK: Tensor, relative_1HTT: Tensor): Tensor {
  const [, heads] = relative_1HTT.shape;
  const isWhole = bias_R1TK.shape[3] === relative_1HTT.shape[3];
  const nothing = () => builder.constant(new Float32Array(0), [1, Number(heads), 1, 0]);
  const relative_1HTK = isWhole
    ? relative_1HTT
    : builder.apply("PadLike", [relative_1HTT, nothing(), bias_R1TK], { axis: 3 });
  return builder.apply("Add", [bias_R1TK, relative_1HTK]);
}
