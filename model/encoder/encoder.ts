// The frozen forward pass of the BERT and RoBERTa families over packed rows: each row of T positions
// holds several texts, kept apart by a segment id per position. Prompt tokens stand beside the rows,
// in slots of their own: texts see them as further keys, and their own rows are computed only in
// layers whose result a later layer needs. `beforeLayer` says which prompts a layer sees.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import type { EncoderConfig } from "./config.ts";
import type { EncoderWeights, LayerWeights, Linear, Norm } from "./weights.ts";

/** Added to the attention score of a key that a query must not see. exp(-1e4) is 0 in float32. */
export const HIDDEN_KEY_BIAS = -10_000;

/** Segment of positions that hold nothing; a text's is its index in the batch. */
export const EMPTY_POSITION = -1;
/** Segment of prompt slots that hold nothing. */
export const EMPTY_SLOT = -2;

export interface EncoderInputs {
  /** [R, T] int32. Positions of equal segment see each other; text segments count from 0. */
  readonly segmentIds: Tensor;
  /** States entering layer `fromLayer`, [R, T, D]. */
  readonly states_RTD: Tensor;
  readonly fromLayer: number;
}

/** What a layer computes beside the texts: rows with a segment each. */
export interface PromptRows {
  /** [R, U, D] */
  readonly states: Tensor;
  /** [R, U] int32: the segment of the prompt's text; EMPTY_SLOT where there is none. */
  readonly segmentIds: Tensor;
}

export interface LayerPrompts {
  /** The prompt tokens that this layer's texts see. */
  readonly keys: PromptRows;
  /** [R, 1, 1, T+U], added to the scores of each key, texts' first. */
  readonly keyBias?: Tensor;
  /** Those of them whose states after this layer are needed: the next layer's `carried`. */
  readonly queries?: PromptRows;
}

export interface LayerEntry {
  /** The texts' states, [R, T, D]. */
  readonly states_RTD: Tensor;
  /** The states of the layer before's `queries`, [R, U, D]. */
  readonly carried: Tensor | undefined;
}

/** Called once a layer, in order. Undefined: this layer has no prompts. */
export type BeforeLayer = (layer: number, entry: LayerEntry) => LayerPrompts | undefined;

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

/** Final hidden states of the texts, [R, T, D]. */
export function encode(
  builder: GraphBuilder,
  { config, weights }: { config: EncoderConfig; weights: EncoderWeights },
  { segmentIds, states_RTD, fromLayer }: EncoderInputs,
  beforeLayer: BeforeLayer = () => undefined,
): Tensor {
  const bias = segmentBiases(builder);
  let states = states_RTD;
  let carried: Tensor | undefined;
  for (let layer = fromLayer; layer < config.layers; layer++) {
    const layerWeights = withScaledQueries(must(weights.layers[layer], `weights of layer ${layer}`), config);
    const prompts = beforeLayer(layer, { states_RTD: states, carried });
    const keys = keysOf(builder, { states, segmentIds }, prompts?.keys);
    const attended = keysAndValues(builder, config, layerWeights, keys.states);
    const advance = (rows: PromptRows) => {
      const between = bias(rows.segmentIds, keys.segmentIds);
      const full = prompts?.keyBias ? builder.apply("Add", [between, prompts.keyBias]) : between;
      return encoderLayer(builder, config, layerWeights, { states: rows.states, ...attended, bias: full });
    };
    states = advance({ states, segmentIds });
    carried = prompts?.queries && advance(prompts.queries);
  }
  return states;
}

function keysOf(builder: GraphBuilder, texts: PromptRows, prompts: PromptRows | undefined): PromptRows {
  if (!prompts) return texts;
  return {
    states: builder.apply("Concat", [texts.states, prompts.states], { axis: 1 }),
    segmentIds: builder.apply("Concat", [texts.segmentIds, prompts.segmentIds], { axis: 1 }),
  };
}

/** bias_R1QK of queries and keys: 0 within a segment, HIDDEN_KEY_BIAS between segments. Each pair once. */
function segmentBiases(builder: GraphBuilder): (queryIds: Tensor, keyIds: Tensor) => Tensor {
  const known = new Map<string, Tensor>();
  return (queryIds, keyIds) => {
    const pair = `${queryIds.id} ${keyIds.id}`;
    const bias = known.get(pair) ?? biasBetweenSegments(builder, queryIds, keyIds);
    known.set(pair, bias);
    return bias;
  };
}

function biasBetweenSegments(builder: GraphBuilder, queryIds: Tensor, keyIds: Tensor): Tensor {
  const [rows = "R", queryCount = "Q"] = queryIds.shape;
  const queries = builder.reshape(queryIds, [0, 1, -1, 1], [rows, 1, queryCount, 1]);
  const keys = builder.reshape(keyIds, [0, 1, 1, -1], [rows, 1, 1, keyIds.shape[1] ?? "K"]);
  const visible = builder.apply("Cast", [builder.apply("Equal", [queries, keys])], { to: builder.floatType });
  const hidden = builder.apply("Sub", [visible, builder.scalar(1)]);
  return builder.apply("Mul", [hidden, builder.scalar(-HIDDEN_KEY_BIAS)]);
}

/** The rows of `states` after one layer in which they see the given keys. */
function encoderLayer(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: LayerWeights,
  rows: { states: Tensor; key: Tensor; value: Tensor; bias: Tensor },
): Tensor {
  const attended = attention(builder, config, weights, rows);
  const middle = normalize(
    builder,
    builder.apply("Add", [attended, rows.states]),
    weights.attentionNorm,
    config,
  );
  const wide = linear(builder, middle, weights.feedForwardIn);
  const narrow = linear(builder, activate(builder, wide, config), weights.feedForwardOut);
  return normalize(builder, builder.apply("Add", [narrow, middle]), weights.outputNorm, config);
}

/** softmax(Q·Kᵀ + bias) · V per head, Q scaled already. */
function attention(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: LayerWeights,
  { states, key, value, bias }: { states: Tensor; key: Tensor; value: Tensor; bias: Tensor },
): Tensor {
  const query = splitHeads(builder, config, linear(builder, states, weights.query), [0, 2, 1, 3]);
  const scores = builder.apply("Add", [builder.apply("MatMul", [query, key]), bias]);
  const mixed = builder.apply("MatMul", [builder.apply("Softmax", [scores]), value]);
  const merged = builder.apply("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return linear(builder, builder.reshape(merged, [0, 0, config.width], states.shape), weights.attentionOutput);
}

/** key [R, H, d, K] and value [R, H, K, d] of states [R, K, D]. */
function keysAndValues(
  builder: GraphBuilder,
  config: EncoderConfig,
  weights: LayerWeights,
  states: Tensor,
): { key: Tensor; value: Tensor } {
  return {
    key: splitHeads(builder, config, linear(builder, states, weights.key), [0, 2, 3, 1]),
    value: splitHeads(builder, config, linear(builder, states, weights.value), [0, 2, 1, 3]),
  };
}

/** [R, K, D] → [R, K, H, d], its axes then in the given order. */
function splitHeads(
  builder: GraphBuilder,
  { heads, width }: EncoderConfig,
  x: Tensor,
  perm: readonly number[],
): Tensor {
  const shape = [...x.shape.slice(0, 2), heads, width / heads];
  return builder.apply("Transpose", [builder.reshape(x, [0, 0, heads, width / heads], shape)], { perm });
}

function linear(builder: GraphBuilder, x: Tensor, { weight, bias }: Linear): Tensor {
  const outputs = bias.length;
  const product = builder.apply("MatMul", [x, builder.constant(weight, [weight.length / outputs, outputs])]);
  return builder.apply("Add", [product, builder.constant(bias, [outputs])]);
}

/** 1/√d of the attention scores, folded into the query weights. */
function withScaledQueries(weights: LayerWeights, { heads, width }: EncoderConfig): LayerWeights {
  const factor = 1 / Math.sqrt(width / heads);
  const { weight, bias } = weights.query;
  const query = { weight: weight.map((value) => value * factor), bias: bias.map((value) => value * factor) };
  return { ...weights, query };
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
