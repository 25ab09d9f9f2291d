// The two training graphs of Selective Prompt Tuning, both starting from the frozen states that enter
// a layer. "search": insertions under soft gates at every layer. "tune": the selected insertions alone,
// gates hard. The embedding tables are in neither.
import { type Backbone, featureWidth, layersOf, PAIR_WEIGHTS, type PairMode } from "#model";
import {
  type BeforeLayer,
  encode,
  flattenRows,
  type LayerEntry,
  type LayerNorms,
  type LayerProducts,
  type LayerPrompts,
  normTensors,
  positionInputs,
  queryScale,
  textFeatures,
} from "#model/encoder";
import { type FloatType, type Graph, GraphBuilder, must, type Tensor } from "#model/graph";
import {
  blendPrompts,
  gateValue,
  generatePrompts,
  presenceBias,
  promptPresence,
  reparameterizeGates,
  slotsOf,
} from "#model/spt";
import { backward } from "../autodiff/backward.ts";
import { type GeneratorShape, generatorDimensions, generatorInputs } from "./generators.ts";
import {
  type InsertionPlace,
  lowestLayer,
  lowRankInputs,
  scaleShiftInputs,
  TRAINED_RANK,
} from "./insertions.ts";
import { consistency, contrastive, crossEntropy, logitsOf } from "./loss.ts";

export interface SptGraphOptions {
  readonly backbone: Backbone;
  readonly shape: GeneratorShape;
  readonly classes: number;
  /** In a search: a prompt generator at every layer, and scales and shifts at any. */
  readonly insertions: readonly InsertionPlace[];
  readonly mode: "search" | "tune";
  readonly pairMode: PairMode;
  /** False: only the output "features". */
  readonly gradients: boolean;
  /** Tune: adds the supervised contrastive loss to the cross-entropy. */
  readonly contrastive?: boolean;
  /** Search: competing gates (SPT-DARTS) or plain ones. Default true. */
  readonly reparameterized?: boolean;
  /** float64 is for gradient checks. Default float32. */
  readonly floatType?: FloatType;
}

/** Inputs of a gate: alpha [1]; of a prompt's, the Bernoulli mask of each prompt row, [Q, 1] with Q = B·P. */
export const alphaInput = ({ kind, layer }: InsertionPlace) => `alpha ${kind} ${layer}`;
export const maskInput = (layer: number) => `mask ${layer}`;
export const keepInput = (layer: number) => `keep ${layer}`;
export const gradientOutput = (input: string) => `grad ${input}`;

export const HEAD_INPUTS = ["head", "headBias"] as const;

export function buildSptGraph(options: SptGraphOptions): Graph {
  const { backbone, shape, classes, insertions, mode } = options;
  const { width } = shape;
  const builder = new GraphBuilder(options.floatType);
  const states_RTD = builder.input("states", ["R", "T", width]);
  const positions = positionInputs(builder, backbone.config);
  const trainable: { name: string; tensor: Tensor }[] = [];
  const train = (name: string, dims: readonly (number | string)[]) => {
    const tensor = builder.input(name, dims);
    trainable.push({ name, tensor });
    return tensor;
  };
  const insert =
    mode === "search" ? softInsertions(builder, options, train) : hardInsertions(builder, options, train);
  const final = encode(
    builder,
    backbone,
    { ...positions, states_RTD, fromLayer: lowestLayer(insertions) },
    insert,
  );
  const sequences = options.pairMode === "dual" ? "E" : "B";
  const pool_BX = builder.input("pool", [sequences, "RT"]);
  const vectors = textFeatures(builder, backbone, { pool_BX, states_RTD: final });
  const features = options.pairMode === "dual" ? dualFeatures(builder, vectors) : vectors;
  builder.output("features", features);
  if (options.gradients) {
    const columns = featureWidth(width, options.pairMode);
    const head = { weight_DC: train("head", [columns, classes]), bias_C: train("headBias", [classes]) };
    addLoss(builder, { features, head, options, trainable });
  }
  return builder.build();
}

/** Unit vectors [E, D] of all sequences → pair features [B, 2D + 1]: pairFeatures as graph nodes. */
function dualFeatures(builder: GraphBuilder, vectors: Tensor): Tensor {
  const at = (name: string) => builder.apply("Gather", [vectors, builder.input(name, ["B"], "int32")]);
  const [first, second] = [at("firstAt"), at("secondAt")];
  const difference = builder.apply("Sub", [first, second]);
  const opposite = builder.apply("Relu", [builder.apply("Neg", [difference])]);
  const absolute = builder.apply("Add", [builder.apply("Relu", [difference]), opposite]);
  const product = builder.apply("Mul", [first, second]);
  const dot = builder.apply("ReduceSum", [product], { axes: [1] });
  const weighted = (x: Tensor, weight: number) => builder.apply("Mul", [x, builder.scalar(weight)]);
  const both = builder.apply("Concat", [absolute, product], { axis: 1 });
  const parts = [weighted(both, PAIR_WEIGHTS.dimension), weighted(dot, PAIR_WEIGHTS.cosine)];
  return builder.apply("Concat", parts, { axis: 1 });
}

type Train = (name: string, dims: readonly (number | string)[]) => Tensor;

function addLoss(
  builder: GraphBuilder,
  {
    features,
    head,
    options,
    trainable,
  }: {
    features: Tensor;
    head: { weight_DC: Tensor; bias_C: Tensor };
    options: SptGraphOptions;
    trainable: readonly { name: string; tensor: Tensor }[];
  },
): void {
  const targets = builder.input("targets", ["B", options.classes]);
  const fit = crossEntropy(builder, logitsOf(builder, features, head), targets);
  const others = [
    ...(options.mode === "search"
      ? [consistency(builder, features, builder.input("difference", ["H", "B"]))]
      : []),
    ...(options.contrastive ? [contrastiveLoss(builder, features)] : []),
  ];
  builder.output("loss", fit);
  const gradients = backward(
    builder,
    others.reduce((sum, loss) => builder.apply("Add", [sum, loss]), fit),
    trainable.map(({ tensor }) => tensor),
  );
  for (const [index, { name }] of trainable.entries()) {
    builder.output(gradientOutput(name), must(gradients[index], name));
  }
}

function contrastiveLoss(builder: GraphBuilder, features: Tensor): Tensor {
  const pairs = ["B", "B"];
  return contrastive(builder, features, {
    positives: builder.input("positives", pairs),
    self: builder.input("self", pairs),
  });
}

/** New prompts of one layer, [Q, D]: generated from the means of each text's positions. */
function freshPrompts(
  builder: GraphBuilder,
  {
    flat_XD,
    slots,
    layer,
    options,
    train,
  }: {
    flat_XD: Tensor;
    slots: Tensor;
    layer: number;
    options: SptGraphOptions;
    train: Train;
  },
): Tensor {
  const { width, promptTokens, bottleneck, pooling } = options.shape;
  const dims = generatorDimensions(options.shape);
  const [down, up, bias] = generatorInputs(layer);
  const weights = { down: train(down, dims.down), up: train(up, dims.up), bias: train(bias, dims.bias) };
  const count = slotsOf(pooling, promptTokens);
  const pooled = builder.reshape(
    builder.apply("MatMul", [slots, flat_XD]),
    [-1, count, width],
    ["N", count, width],
  );
  const keep = options.gradients ? builder.input(keepInput(layer), ["N", count, bottleneck]) : undefined;
  const prompts = generatePrompts(builder, pooled, { weights, promptTokens, ...(keep ? { keep } : {}) });
  return builder.reshape(prompts, [-1, width], ["Q", width]);
}

/**
 * Every layer blends; a prompt key weighs by how much of it exists. Scales and shifts count by their gate.
 */
function softInsertions(builder: GraphBuilder, options: SptGraphOptions, train: Train): BeforeLayer {
  const { backbone } = options;
  const slots = builder.input("slots", ["G", "RT"]);
  const place = promptPlaces(builder);
  const biasAt = builder.input("biasAt", ["R", "T+U"], "int32");
  const gateOf = softGates(builder, options, train);
  let presence: Tensor | undefined;
  return (layer, { states_RTD, carried }) => {
    const scaleGate = gateOf({ kind: "scale_shift", layer });
    const norms = scaleGate && changedNorms(builder, layer, { backbone, train, gate: scaleGate });
    const unmasked = must(gateOf({ kind: "prompt_generator", layer }), `gate ${layer}`);
    const gate = builder.apply("Mul", [builder.input(maskInput(layer), ["Q", 1]), unmasked]);
    const flat_XD = flattenRows(builder, states_RTD);
    const fresh = freshPrompts(builder, { flat_XD, slots, layer, options, train });
    const blended = blendPrompts(builder, { gate, propagated: carried, fresh });
    presence = promptPresence(builder, gate, presence);
    const keyBias = placeBias(builder, presenceBias(builder, presence), biasAt);
    const goOn = layer + 1 < backbone.config.layers;
    return { prompts: { ...place(blended, { goOn, norms }), keyBias }, ...(norms ? { norms } : {}) };
  };
}

/** Puts [Q, D] prompt rows in their slots beside the texts; those that go on are queries too. */
function promptPlaces(builder: GraphBuilder) {
  const slotsAt = builder.input("slotsAt", ["R", "U"], "int32");
  const segmentIds = builder.input("promptSegments", ["R", "U"], "int32");
  const rowsAt = builder.input("promptsAt", ["Q"], "int32");
  return (
    states: Tensor,
    { goOn, norms }: { goOn: boolean; norms?: LayerNorms | undefined },
  ): LayerPrompts => {
    const keys = { states, slotsAt, segmentIds };
    return goOn ? { keys, queries: { ...keys, rowsAt, ...(norms ? { norms } : {}) } } : { keys };
  };
}

/** The gate [1] of each insertion. */
function softGates(builder: GraphBuilder, options: SptGraphOptions, train: Train) {
  const names = options.insertions.map(alphaInput);
  const values = names.map((name) => gateValue(builder, train(name, [1])));
  const competing = (options.reparameterized ?? true) ? reparameterizeGates(builder, values) : values;
  const byName = new Map(names.map((name, index) => [name, must(competing[index], "gate")]));
  return (place: InsertionPlace) => byName.get(alphaInput(place));
}

/** [Q, 1] biases to [R, 1, 1, T+U]; index 0 is the text's own positions, 0. */
function placeBias(builder: GraphBuilder, bias_Q1: Tensor, biasAt: Tensor): Tensor {
  const rows = builder.apply("Concat", [builder.constant(new Float32Array(1), [1, 1]), bias_Q1]);
  return builder.reshape(builder.apply("Gather", [rows, biasAt]), [0, 1, 1, -1], ["R", 1, 1, "T+U"]);
}

/** At a selected layer the new prompt takes the place of the old, and norms and products change. */
function hardInsertions(builder: GraphBuilder, options: SptGraphOptions, train: Train): BeforeLayer {
  const insertPrompts = hardPrompts(builder, options, train);
  return (layer, entry) => {
    const norms = layersOf(options.insertions, "scale_shift").includes(layer)
      ? changedNorms(builder, layer, { backbone: options.backbone, train })
      : undefined;
    const prompts = insertPrompts(layer, entry, norms);
    const products = layersOf(options.insertions, "low_rank").includes(layer)
      ? trainedProducts(builder, layer, { backbone: options.backbone, train })
      : undefined;
    return {
      ...(prompts ? { prompts } : {}),
      ...(norms ? { norms } : {}),
      ...(products ? { products } : {}),
    };
  };
}

function hardPrompts(builder: GraphBuilder, options: SptGraphOptions, train: Train) {
  const layers = layersOf(options.insertions, "prompt_generator");
  if (layers.length === 0) return () => undefined;
  const slots = builder.input("slots", ["G", "RT"]);
  const place = promptPlaces(builder);
  return (
    layer: number,
    { states_RTD, carried }: LayerEntry,
    norms: LayerNorms | undefined,
  ): LayerPrompts | undefined => {
    if (layer < Math.min(...layers)) return undefined;
    const flat_XD = flattenRows(builder, states_RTD);
    const rows_QD = layers.includes(layer)
      ? freshPrompts(builder, { flat_XD, slots, layer, options, train })
      : must(carried, "carried prompts");
    const goOn = layer + 1 < options.backbone.config.layers && !layers.includes(layer + 1);
    return place(rows_QD, { goOn, norms });
  };
}

function trainedProducts(
  builder: GraphBuilder,
  layer: number,
  { backbone: { config }, train }: { backbone: Backbone; train: Train },
): LayerProducts {
  const { query, value } = lowRankInputs(layer);
  const update = ({ down, up }: typeof query | typeof value) => ({
    down: train(down, [config.width, TRAINED_RANK]),
    up: train(up, [TRAINED_RANK, config.width]),
  });
  const ofQueries = update(query);
  const scaled = builder.apply("Mul", [ofQueries.up, builder.scalar(queryScale(config))]);
  return { query: { ...ofQueries, up: scaled }, value: update(value) };
}

/** The backbone's own scales and shifts plus what trains, as much of it as the gate lets through. */
function changedNorms(
  builder: GraphBuilder,
  layer: number,
  { backbone, train, gate }: { backbone: Backbone; train: Train; gate?: Tensor },
): LayerNorms {
  const { attentionNorm, outputNorm } = must(backbone.weights.layers[layer], "layer");
  const names = scaleShiftInputs(layer);
  const sum = (own: Tensor, name: string) => {
    const change = train(name, own.shape);
    return builder.apply("Add", [own, gate ? builder.apply("Mul", [gate, change]) : change]);
  };
  const changed = (norm: typeof outputNorm, { scale, shift }: { scale: string; shift: string }) => {
    const own = normTensors(builder, norm);
    return { scale: sum(own.scale, scale), shift: sum(own.shift, shift) };
  };
  return {
    attention: changed(attentionNorm, names.attention),
    output: changed(outputNorm, names.output),
  };
}
