// Padded batches as every user of a tokenizer feeds them, and what the encoder asks of them: embeddings, segments,
// relative positions, and the averages that prompt generators and heads read. All out of three inputs [B, L];
// texts stand at the left, padding at the right.
import type { EncoderConfig } from "../encoder/config.ts";
import { normalize } from "../encoder/encoder.ts";
import { bucketOf } from "../encoder/relative-buckets.ts";
import type { EncoderWeights } from "../encoder/weights.ts";
import type { GraphBuilder, Tensor } from "../graph/builder.ts";

export interface PaddedTexts {
  readonly builder: GraphBuilder;
  readonly ids: Tensor;
  readonly typeIds: Tensor;
  /** [B, L] int32: 0 where a text is, -1 where padding is. */
  readonly segmentIds: Tensor;
  /** [L] int32 and [1, 1, L] float: 0, 1, 2 … */
  readonly indices: Tensor;
  readonly places: Tensor;
  /** [B, 1, 1]: tokens of each text. */
  readonly lengths: Tensor;
}

/** Makes the inputs input_ids, attention_mask and token_type_ids, int64, with `suffix` behind their names. */
export function paddedTexts(builder: GraphBuilder, suffix: string): PaddedTexts {
  const length = `L${suffix}`;
  const input = (name: string) => builder.input(`${name}${suffix}`, ["B", length], "int64");
  const ids = input("input_ids");
  const mask = builder.apply("Cast", [input("attention_mask")], { to: builder.floatType });
  const typeIds = input("token_type_ids");
  const shifted = builder.apply("Sub", [mask, builder.scalar(1)]);
  const indices = builder.apply("IndicesAlong", [ids], { axis: 1 });
  const counted = builder.apply("Cast", [indices], { to: builder.floatType });
  const lengths = builder.apply("ReduceSum", [mask], { axes: [1] });
  return {
    ...{ builder, ids, typeIds, indices },
    segmentIds: builder.apply("Cast", [shifted], { to: "int32" }),
    places: builder.reshape(counted, [1, 1, -1], [1, 1, length]),
    lengths: builder.reshape(lengths, [-1, 1, 1], ["B", 1, 1]),
  };
}

/** States [B, L, D] entering layer 0. */
export function embedTexts(
  { builder, ids, typeIds, indices }: PaddedTexts,
  config: EncoderConfig,
  weights: EncoderWeights,
): Tensor {
  const { width, tokenTypes, positionOffset } = config;
  const table = (data: Float32Array) => builder.constant(data, [data.length / width, width]);
  const words = builder.apply("Gather", [table(weights.tokenEmbedding_VD), ids]);
  const offset = builder.constant(Int32Array.of(positionOffset), [1]);
  const at = builder.apply("Add", [indices, offset]);
  const placed = builder.apply("Add", [
    words,
    builder.apply("Gather", [table(weights.positionEmbedding), at]),
  ]);
  const { typeEmbedding, embeddingNorm: own } = weights;
  if (!typeEmbedding) return normalize(builder, config, placed, { own });
  // With one type, a tokenizer that tells two apart must not reach beyond the table.
  const types =
    tokenTypes > 1
      ? builder.apply("Gather", [table(typeEmbedding), typeIds])
      : builder.constant(typeEmbedding, [width]);
  return normalize(builder, config, builder.apply("Add", [placed, types]), { own });
}

/** [1, L, L] int32: the bucket of each key as each query sees it (bucketMatrix), for texts of at most so many tokens. */
export function bucketsBetween({ builder, indices }: PaddedTexts, tokensMax: number): Tensor {
  const [length = "L"] = indices.shape;
  const queries = builder.reshape(indices, [1, -1, 1], [1, length, 1]);
  const keys = builder.reshape(indices, [1, 1, -1], [1, 1, length]);
  const distances = builder.apply("Sub", [keys, queries]);
  const first = builder.constant(Int32Array.of(tokensMax - 1), [1]);
  const table = Int32Array.from({ length: 2 * tokensMax - 1 }, (_, at) => bucketOf(at - (tokensMax - 1)));
  return builder.apply("Gather", [
    builder.constant(table, [table.length]),
    builder.apply("Add", [distances, first]),
  ]);
}

/**
 * [B, G, L]: row g averages tokens ⌊gn/G⌋ … ⌈(g+1)n/G⌉-1 of a text of n tokens (see writeSlotRows). Of token i these
 * bounds say (i+1)·G > g·n and i·G < (g+1)·n: whole numbers, exact in float32.
 */
export function averagesOf({ builder, places, lengths }: PaddedTexts, slots: number): Tensor {
  const [, , length = "L"] = places.shape;
  const numbers = (from: number) =>
    builder.constant(
      Float32Array.from({ length: slots }, (_, slot) => from + slot),
      [1, slots, 1],
    );
  const times = (a: Tensor, b: Tensor) => builder.apply("Mul", [a, b]);
  const minus = (a: Tensor, b: Tensor) => builder.apply("Sub", [a, b]);
  const count = builder.scalar(slots);
  const next = builder.apply("Add", [places, builder.scalar(1)]);
  const started = isAbove(builder, minus(times(next, count), times(numbers(0), lengths)));
  const unended = isAbove(builder, minus(times(numbers(1), lengths), times(places, count)));
  const inside = times(started, unended);
  const covered = builder.apply("ReduceSum", [inside], { axes: [inside.shape.length - 1] });
  // A row without any token is divided by 1.
  const none = builder.apply("Relu", [minus(builder.scalar(1), covered)]);
  const averages = builder.apply("Div", [inside, builder.apply("Add", [covered, none])]);
  return { ...averages, shape: ["B", slots, length] };
}

/** 1 where a whole number is above 0, else 0. */
function isAbove(builder: GraphBuilder, x: Tensor): Tensor {
  const below = builder.apply("Relu", [builder.apply("Sub", [x, builder.scalar(1)])]);
  return builder.apply("Sub", [builder.apply("Relu", [x]), below]);
}

/** [1, 1, L]: 1 at the first token. */
export function firstToken({ builder, places }: PaddedTexts): Tensor {
  return builder.apply("Relu", [builder.apply("Sub", [builder.scalar(1), places])]);
}

/** Between the scores of two places: exp(-1e4) is 0 in float32. */
const APART = 10_000;

/** [B, 1, L]: 1 at the first or last token of this id. */
export function tokenOf({ builder, ids, places }: PaddedTexts, id: number, which: "first" | "last"): Tensor {
  const [batch = "B", length = "L"] = ids.shape;
  const ids32 = builder.apply("Cast", [ids], { to: "int32" });
  const same = builder.apply("Equal", [ids32, builder.constant(Int32Array.of(id), [1])]);
  const found = builder.reshape(
    builder.apply("Cast", [same], { to: builder.floatType }),
    [0, 1, -1],
    [batch, 1, length],
  );
  const step = builder.scalar(which === "last" ? APART : -APART);
  const rising = builder.apply("Mul", [places, step]);
  // The places' own scores lie above those of all other tokens: more of them than any text has.
  const scores = builder.apply("Add", [rising, builder.scalar(APART * 100_000)]);
  return builder.apply("Softmax", [builder.apply("Mul", [found, scores])]);
}
