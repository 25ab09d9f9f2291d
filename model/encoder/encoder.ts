// The frozen forward pass of the BERT and RoBERTa families over packed rows: each row of T positions
// holds several texts, kept apart by a segment id per position. `beforeLayer` is where insertions
// change what a layer sees; the trainer and the runtime each give their own.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import type { EncoderConfig } from "./config.ts";
import type { EncoderWeights, LayerWeights, Linear, Norm } from "./weights.ts";

/** Added to the attention score of a key that a query must not see. exp(-1e4) is 0 in float32. */
export const HIDDEN_KEY_BIAS = -10_000;

export interface EncoderInputs {
  /** [R, T] int32. Positions of equal segment see each other; text segments count from 0. */
  readonly segmentIds: Tensor;
  /** States entering layer `fromLayer`, [R, T, D]. */
  readonly states_RTD: Tensor;
  readonly fromLayer: number;
}

export interface LayerEntry {
  readonly states_RTD: Tensor;
  /** [R, 1, 1, T], added to the scores of each key; absent: every key of the segment is seen. */
  readonly keyBias?: Tensor;
}

/** [R, T] int32 ids → [R, T, D] states entering layer 0: word + position + type, normalised. */
export function embedTokens(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: EncoderWeights,
): { states_RTD: Tensor } {
  const { width } = config;
  const rows = (name: string, table: Float32Array) =>
    builder.apply("Gather", [
      builder.constant(table, [table.length / width, width]),
      builder.input(name, ["R", "T"], "int32"),
    ]);
  const words = rows("tokenIds", weights.tokenEmbedding_VD);
  const places = rows("positionIds", weights.positionEmbedding);
  const types = rows("typeIds", weights.typeEmbedding);
  const sum = builder.apply("Add", [builder.apply("Add", [words, types]), places]);
  return { states_RTD: normalize(builder, sum, weights.embeddingNorm, config) };
}

/** Final hidden states [R, T, D]. */
export function encode(
  builder: GraphBuilder,
  { config, weights }: { config: EncoderConfig; weights: EncoderWeights },
  inputs: EncoderInputs,
  beforeLayer: (layer: number, states_RTD: Tensor) => LayerEntry = (_, states_RTD) => ({ states_RTD }),
): Tensor {
  const segmentBias = biasBetweenSegments(builder, inputs.segmentIds);
  let states = inputs.states_RTD;
  for (let layer = inputs.fromLayer; layer < config.layers; layer++) {
    const layerWeights = weights.layers[layer];
    if (!layerWeights) throw new Error(`No weights of layer ${layer}`);
    const entry = beforeLayer(layer, states);
    const bias = entry.keyBias ? builder.apply("Add", [segmentBias, entry.keyBias]) : segmentBias;
    states = encoderLayer(builder, config, layerWeights, { states: entry.states_RTD, bias });
  }
  return states;
}

/** bias_R1TT: 0 within a segment, HIDDEN_KEY_BIAS between segments. */
function biasBetweenSegments(builder: GraphBuilder, segmentIds: Tensor): Tensor {
  const queries = builder.reshape(segmentIds, [0, 1, -1, 1], ["R", 1, "T", 1]);
  const keys = builder.reshape(segmentIds, [0, 1, 1, -1], ["R", 1, 1, "T"]);
  const visible = builder.apply("Cast", [builder.apply("Equal", [queries, keys])], { to: builder.floatType });
  const hidden = builder.apply("Sub", [visible, builder.scalar(1)]);
  return builder.apply("Mul", [hidden, builder.scalar(-HIDDEN_KEY_BIAS)]);
}

function encoderLayer(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: LayerWeights,
  { states, bias }: { states: Tensor; bias: Tensor },
): Tensor {
  const attended = attention(builder, config, weights, { states, bias });
  const middle = normalize(builder, builder.apply("Add", [attended, states]), weights.attentionNorm, config);
  const wide = linear(builder, middle, weights.feedForwardIn);
  const narrow = linear(builder, activate(builder, wide, config), weights.feedForwardOut);
  return normalize(builder, builder.apply("Add", [narrow, middle]), weights.outputNorm, config);
}

/** softmax(Q·Kᵀ/√K + bias) · V per head. 1/√K is folded into the query weights. */
function attention(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: LayerWeights,
  { states, bias }: { states: Tensor; bias: Tensor },
): Tensor {
  const { heads, width } = config;
  const headWidth = width / heads;
  const split = (x: Tensor, perm: readonly number[]) =>
    builder.apply("Transpose", [builder.reshape(x, [0, 0, heads, headWidth], ["R", "T", heads, headWidth])], {
      perm,
    });
  const query = split(linear(builder, states, scaled(weights.query, 1 / Math.sqrt(headWidth))), [0, 2, 1, 3]);
  const key = split(linear(builder, states, weights.key), [0, 2, 3, 1]);
  const value = split(linear(builder, states, weights.value), [0, 2, 1, 3]);
  const scores = builder.apply("Add", [builder.apply("MatMul", [query, key]), bias]);
  const mixed = builder.apply("MatMul", [builder.apply("Softmax", [scores]), value]);
  const merged = builder.apply("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return linear(builder, builder.reshape(merged, [0, 0, width], ["R", "T", width]), weights.attentionOutput);
}

function linear(builder: GraphBuilder, x: Tensor, { weight, bias }: Linear): Tensor {
  const outputs = bias.length;
  const product = builder.apply("MatMul", [x, builder.constant(weight, [weight.length / outputs, outputs])]);
  return builder.apply("Add", [product, builder.constant(bias, [outputs])]);
}

function scaled({ weight, bias }: Linear, factor: number): Linear {
  return { weight: weight.map((value) => value * factor), bias: bias.map((value) => value * factor) };
}

function normalize(
  builder: GraphBuilder,
  x: Tensor,
  { gamma_D, beta_D }: Norm,
  config: EncoderConfig,
): Tensor {
  const vector = (data: Float32Array) => builder.constant(data, [data.length]);
  return builder.apply("LayerNormalization", [x, vector(gamma_D), vector(beta_D)], {
    epsilon: config.normEpsilon,
  });
}

function activate(builder: GraphBuilder, x: Tensor, { activation }: EncoderConfig): Tensor {
  if (activation === "relu") return builder.apply("Relu", [x]);
  if (activation === "gelu") return builder.apply("Gelu", [x]);
  // tanh form: x · sigmoid(2 √(2/π) (x + 0.044715 x³))
  const cube = builder.apply("Mul", [builder.apply("Mul", [x, x]), x]);
  const inner = builder.apply("Add", [x, builder.apply("Mul", [cube, builder.scalar(0.044715)])]);
  const gate = builder.apply("Sigmoid", [
    builder.apply("Mul", [inner, builder.scalar(2 * Math.sqrt(2 / Math.PI))]),
  ]);
  return builder.apply("Mul", [x, gate]);
}
