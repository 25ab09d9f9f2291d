// The frozen forward pass of the BERT, RoBERTa and MPNet families over packed rows: each row of T positions
// holds several texts, kept apart by a segment id per position. Prompt tokens stand beside the rows,
// in slots of their own: texts see them as further keys, and their own rows are computed only in
// layers whose result a later layer needs. `beforeLayer` says what is inserted at a layer: the prompts
// that it sees, and other scales and shifts for its norms.
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import type { ProductSite } from "../spt/adapter.ts";
import type { EncoderConfig } from "./config.ts";
import { type ApplyLinear, createLinear, type Precision } from "./linear.ts";
import { flattenRows } from "./pool.ts";
import { addRelativeBias, relativeBias } from "./relative-bias.ts";
import { startOfNorm } from "./relative-norm.ts";
import type { EncoderWeights, LayerWeights, Linear, Norm } from "./weights.ts";

/** The frozen part of a backbone, and how a graph computes it. */
export interface EncoderSource {
  readonly config: EncoderConfig;
  readonly weights: EncoderWeights;
  /** "fp32" when absent; gradients exist in it alone. */
  readonly precision?: Precision;
  /** Whether words come as rows of their embeddings (input "words") in place of ids into a table of the graph. */
  readonly wordsAreGiven?: boolean;
}

/** Added to the attention score of a key that a query must not see. exp(-1e4) is 0 in float32. */
export const HIDDEN_KEY_BIAS = -10_000;

/** Segment of positions that hold nothing; a text's is its index in the batch. */
export const EMPTY_POSITION = -1;
/** Segment of prompt slots that hold nothing. */
export const EMPTY_SLOT = -2;

export interface EncoderInputs {
  /** [R, T] int32. Positions of equal segment see each other; text segments count from 0. */
  readonly segmentIds: Tensor;
  /** [1, T, T] int32, of backbones with relative attention bias: see bucketMatrix. */
  readonly buckets?: Tensor;
  /** States entering layer `fromLayer`, [R, T, D]. */
  readonly states_RTD: Tensor;
  readonly fromLayer: number;
}

/** Y prompt tokens, and the slots beside the packed rows in which attention finds them. */
export interface PromptRows {
  /** [Y, D] */
  readonly states: Tensor;
  /** [R, U] int32: the one of the Y that stands in each slot; any where there is none. */
  readonly slotsAt: Tensor;
  /** [R, U] int32: the segment of each slot's text; EMPTY_SLOT where there is none. */
  readonly segmentIds: Tensor;
}

export interface PromptQueries extends PromptRows {
  /** [Y] int32: the slot of each among the R·U. */
  readonly rowsAt: Tensor;
  readonly norms?: LayerNorms;
}

export interface LayerPrompts {
  /** The prompt tokens that this layer's texts see. */
  readonly keys: PromptRows;
  /** [R, 1, 1, T+U], added to the scores of each key, texts' first. */
  readonly keyBias?: Tensor;
  /** Prompt tokens that go through this layer: what they become is the next layer's `carried`. */
  readonly queries?: PromptQueries;
}

export interface NormTensors {
  /** [D], or [A, D]. */
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/** Scales and shifts after attention and at the layer's output. */
export interface LayerNorms {
  readonly attention: NormTensors;
  readonly output: NormTensors;
  /**
   * int32, where in the tables [A, D] those of each row of states are, which start from the backbone's own as
   * relativeNorm says. Absent: [D], for all rows, in place of the backbone's own.
   */
  readonly rows?: Tensor;
}

/** Updates of the products of a layer that low-rank insertions have. */
export interface LayerProducts {
  /** Its `up` times queryScale, as the graph has the queries. */
  readonly query: ProductTensors;
  readonly value: ProductTensors;
  /** [R, G, T, K], as AddLowRankByRow has it: 1 in columns of the position's own adapter, else 0. Absent: all are. */
  readonly own?: Tensor;
}

/** + (x · down) · up. */
export interface ProductTensors {
  /** [D, K], or with `own` [R, G, D, K]: those of each row. */
  readonly down: Tensor;
  /** [K, D], or with `own` [R, G, K, D]. */
  readonly up: Tensor;
}

export interface LayerInsertions {
  readonly prompts?: LayerPrompts;
  /** Of the texts' rows. */
  readonly norms?: LayerNorms;
  /** Of the texts' rows. */
  readonly products?: LayerProducts;
}

export interface LayerEntry {
  /** The texts' states, [R, T, D]. */
  readonly states_RTD: Tensor;
  /** What the layer before made of its `queries`, [Y, D]. */
  readonly carried: Tensor | undefined;
}

/** Called once a layer, in order. */
export type BeforeLayer = (layer: number, entry: LayerEntry) => LayerInsertions;

/** [R, T] int32 ids → [R, T, D] states entering layer 0: word + position + type (where there are types), normalised. */
export function embedTokens(
  builder: GraphBuilder,
  { config, weights, wordsAreGiven = false }: EncoderSource,
): { states_RTD: Tensor } {
  const { width } = config;
  const rows = (name: string, table: Float32Array) =>
    builder.apply("Gather", [
      builder.constant(table, [table.length / width, width]),
      builder.input(name, ["R", "T"], "int32"),
    ]);
  const words = wordsAreGiven
    ? builder.input("words", ["R", "T", width])
    : rows("tokenIds", weights.tokenEmbedding_VD);
  const places = rows("positionIds", weights.positionEmbedding);
  const typed = weights.typeEmbedding
    ? builder.apply("Add", [words, rows("typeIds", weights.typeEmbedding)])
    : words;
  const sum = builder.apply("Add", [typed, places]);
  return { states_RTD: normalize(builder, config, sum, { own: weights.embeddingNorm }) };
}

/** Final hidden states of the texts, [R, T, D]. */
export function encode(
  builder: GraphBuilder,
  { config, weights, precision = "fp32" }: EncoderSource,
  { segmentIds, buckets, states_RTD, fromLayer }: EncoderInputs,
  beforeLayer: BeforeLayer = () => ({}),
): Tensor {
  const biasBetween = attentionBiases(builder, segmentIds, relativeBiasOf(builder, config, weights, buckets));
  const linear = createLinear(builder, precision);
  const mix = createMix(builder, precision);
  const rowShape = builder.apply("ShapeOf", [states_RTD]);
  const toRTD = (rows: Tensor) => builder.apply("Reshape", [rows, rowShape], { shape: states_RTD.shape });
  let states = flattenRows(builder, states_RTD);
  let carried: Tensor | undefined;
  for (let layer = fromLayer; layer < config.layers; layer++) {
    const layerWeights = withScaledQueries(must(weights.layers[layer], `weights of layer ${layer}`), config);
    const { prompts, norms, products } = beforeLayer(layer, { states_RTD: toRTD(states), carried });
    const context = { builder, config, linear, mix, weights: layerWeights };
    const seen = keysAndValues(context, { states, toSlots: toRTD, prompts: prompts?.keys, products });
    const keyIds = prompts
      ? builder.apply("Concat", [segmentIds, prompts.keys.segmentIds], { axis: 1 })
      : segmentIds;
    const biasOf = (queryIds: Tensor) => {
      const bias = biasBetween(queryIds, keyIds);
      return prompts?.keyBias ? builder.apply("Add", [bias, prompts.keyBias]) : bias;
    };
    const advance = (rows: Tensor, layout: QueryLayout) =>
      encoderLayer(context, { states: rows, ...seen, ...layout });
    states = advance(states, {
      bias: biasOf(segmentIds),
      toSlots: toRTD,
      toRows: (slots) => flattenRows(builder, slots),
      norms: norms && flatNorms(builder, norms),
      products,
    });
    const queries = prompts?.queries;
    carried =
      queries &&
      advance(queries.states, {
        bias: biasOf(queries.segmentIds),
        toSlots: (rows) => builder.apply("Gather", [rows, queries.slotsAt]),
        toRows: (slots) => builder.apply("Gather", [flattenRows(builder, slots), queries.rowsAt]),
        norms: queries.norms,
        products: undefined,
      });
  }
  return toRTD(states);
}

interface LayerContext {
  readonly builder: GraphBuilder;
  readonly config: EncoderConfig;
  readonly linear: ApplyLinear;
  readonly mix: MixValues;
  readonly weights: LayerWeights;
}

/** How the states of a layer's queries lie in the rows of attention. */
interface QueryLayout {
  /** [R, 1, Q, K], or [R, H, Q, K] where the backbone has relative attention bias. */
  readonly bias: Tensor;
  /** A row for each query → [R, Q, D], and back. */
  readonly toSlots: (states_XD: Tensor) => Tensor;
  readonly toRows: (states_RQD: Tensor) => Tensor;
  readonly norms: LayerNorms | undefined;
  readonly products: LayerProducts | undefined;
}

function flatNorms(builder: GraphBuilder, { rows, ...norms }: LayerNorms): LayerNorms {
  return rows ? { ...norms, rows: flattenRows(builder, rows) } : norms;
}

function relativeBiasOf(
  builder: GraphBuilder,
  { heads }: EncoderConfig,
  { relativeBias: biases }: EncoderWeights,
  buckets: Tensor | undefined,
): Tensor | undefined {
  return biases && relativeBias(builder, { biases, heads }, must(buckets, "relative buckets"));
}

/**
 * Bias of queries and keys: 0 within a segment, HIDDEN_KEY_BIAS between segments; where the queries are the texts',
 * with the backbone's relative bias, if it has one. Each pair once.
 */
function attentionBiases(
  builder: GraphBuilder,
  textIds: Tensor,
  relative_1HTT: Tensor | undefined,
): (queryIds: Tensor, keyIds: Tensor) => Tensor {
  const known = new Map<string, Tensor>();
  const compute = (queryIds: Tensor, keyIds: Tensor) => {
    const bias = biasBetweenSegments(builder, queryIds, keyIds);
    return relative_1HTT && queryIds === textIds ? addRelativeBias(builder, bias, relative_1HTT) : bias;
  };
  return (queryIds, keyIds) => {
    const pair = `${queryIds.id} ${keyIds.id}`;
    const bias = known.get(pair) ?? compute(queryIds, keyIds);
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

/** `states` [X, D] after one layer in which they see the given keys. */
function encoderLayer(
  context: LayerContext,
  rows: { states: Tensor; key: Tensor; value: Tensor } & QueryLayout,
): Tensor {
  const { builder, config, linear, weights } = context;
  const attended = attention(context, rows);
  const { norms } = rows;
  const middle = normalize(builder, config, builder.apply("Add", [attended, rows.states]), {
    own: weights.attentionNorm,
    inserted: norms && { ...norms.attention, rows: norms.rows },
  });
  const wide = linear(middle, weights.feedForwardIn);
  const narrow = linear(activate(builder, wide, config), weights.feedForwardOut);
  return normalize(builder, config, builder.apply("Add", [narrow, middle]), {
    own: weights.outputNorm,
    inserted: norms && { ...norms.output, rows: norms.rows },
  });
}

/** softmax(Q·Kᵀ + bias) · V per head, Q scaled already. */
function attention(
  context: LayerContext,
  { states, key, value, bias, toSlots, toRows, products }: Parameters<typeof encoderLayer>[1],
): Tensor {
  const { builder, config, linear, mix, weights } = context;
  const update = updateOf(products, "query");
  const queries_RQD = project(context, weights.query, { states, toSlots, update });
  const query = splitHeads(builder, config, queries_RQD, [0, 2, 1, 3]);
  const scores = builder.apply("Add", [builder.apply("MatMul", [query, key]), bias]);
  const mixed = mix(scores, value);
  const merged = builder.apply("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const mixed_RQD = builder.reshape(merged, [0, 0, config.width], queries_RQD.shape);
  return linear(toRows(mixed_RQD), weights.attentionOutput);
}

/** softmax(scores [R, H, Q, K]) · value [R, H, K, d]. */
type MixValues = (scores: Tensor, value: Tensor) => Tensor;

/**
 * In int8 a last digit that differs is a state rounded to another step, and then other scores: there the sums must not
 * depend on where in a row a text stands.
 */
function createMix(builder: GraphBuilder, precision: Precision): MixValues {
  if (precision === "int8") return (scores, value) => builder.apply("SoftmaxMatMul", [scores, value]);
  return (scores, value) => builder.apply("MatMul", [builder.apply("Softmax", [scores]), value]);
}

/** key [R, H, d, K] and value [R, H, K, d] of the texts' positions and, after them, the prompts' slots. */
function keysAndValues(
  context: LayerContext,
  {
    states,
    toSlots,
    prompts,
    products,
  }: {
    states: Tensor;
    toSlots: (states_XD: Tensor) => Tensor;
    prompts: PromptRows | undefined;
    products: LayerProducts | undefined;
  },
): { key: Tensor; value: Tensor } {
  const { builder, config, linear, weights } = context;
  const projected = (weight: Linear, update?: Update) => {
    const ofTexts = project(context, weight, { states, toSlots, update });
    if (!prompts) return ofTexts;
    const ofPrompts = builder.apply("Gather", [linear(prompts.states, weight), prompts.slotsAt]);
    return builder.apply("Concat", [ofTexts, ofPrompts], { axis: 1 });
  };
  const value = projected(weights.value, updateOf(products, "value"));
  return {
    key: splitHeads(builder, config, projected(weights.key), [0, 2, 3, 1]),
    value: splitHeads(builder, config, value, [0, 2, 1, 3]),
  };
}

/** A product of states with a weight, [R, Q, D], with its low-rank update if there is any. */
function project(
  { builder, linear }: Pick<LayerContext, "builder" | "linear">,
  weight: Linear,
  {
    states,
    toSlots,
    update,
  }: { states: Tensor; toSlots: (states_XD: Tensor) => Tensor; update: Update | undefined },
): Tensor {
  const product = linear(states, weight);
  if (!update) return toSlots(product);
  const { down, up, own } = update;
  if (own) return builder.apply("AddLowRankByRow", [toSlots(product), toSlots(states), own, down, up]);
  const change = builder.apply("MatMul", [builder.apply("MatMul", [states, down]), up]);
  return toSlots(builder.apply("Add", [product, change]));
}

type Update = ProductTensors & Pick<LayerProducts, "own">;

function updateOf(products: LayerProducts | undefined, site: ProductSite): Update | undefined {
  return products && { ...products[site], ...(products.own && { own: products.own }) };
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

/** 1/√d of the attention scores: the graph has it in its queries. */
export function queryScale({ heads, width }: Pick<EncoderConfig, "heads" | "width">): number {
  return 1 / Math.sqrt(width / heads);
}

function withScaledQueries(weights: LayerWeights, config: EncoderConfig): LayerWeights {
  const factor = queryScale(config);
  const { weight, bias } = weights.query;
  const query = { weight: weight.map((value) => value * factor), bias: bias.map((value) => value * factor) };
  return { ...weights, query };
}

/** The backbone's own scale and shift of a norm. */
export function normTensors(builder: GraphBuilder, { gamma_D, beta_D }: Norm): NormTensors {
  const vector = (data: Float32Array) => builder.constant(data, [data.length]);
  return { scale: vector(gamma_D), shift: vector(beta_D) };
}

/** A layer norm with the backbone's own scale and shift, or with those inserted in their place. */
export function normalize(
  builder: GraphBuilder,
  { normEpsilon: epsilon }: EncoderConfig,
  x: Tensor,
  { own, inserted }: { own: Norm; inserted?: (NormTensors & { rows: Tensor | undefined }) | undefined },
): Tensor {
  if (inserted?.rows)
    return normalizeByRow(builder, x, { own, inserted: { ...inserted, rows: inserted.rows }, epsilon });
  const { scale, shift } = inserted ?? normTensors(builder, own);
  return builder.apply("LayerNormalization", [x, scale, shift], { epsilon });
}

/** With tables of what `relativeNorm` gives. */
function normalizeByRow(
  builder: GraphBuilder,
  x: Tensor,
  { own, inserted, epsilon }: { own: Norm; inserted: NormTensors & { rows: Tensor }; epsilon: number },
): Tensor {
  const { rows, scale, shift } = inserted;
  const start = startOfNorm(own);
  const { scale: gamma, shift: beta } = normTensors(builder, start);
  if (start === own) {
    return builder.apply("LayerNormalizationByRow", [x, rows, gamma, beta, scale, shift], { epsilon });
  }
  const unit = builder.apply("LayerNormalization", [x, gamma, beta], { epsilon });
  const scaled = builder.apply("Mul", [unit, builder.apply("Gather", [scale, rows])]);
  return builder.apply("Add", [scaled, builder.apply("Gather", [shift, rows])]);
}

/** The backbone's activation function. */
export function activate(builder: GraphBuilder, x: Tensor, { activation }: EncoderConfig): Tensor {
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
