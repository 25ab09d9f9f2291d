// The two training graphs of Selective Prompt Tuning, both starting from the frozen states that enter
// a layer. "search": a generator and a soft gate at every layer. "tune": generators at the selected
// layers alone, gates hard. The embedding tables are in neither.
import type { Backbone } from "#model";
import {
  type BeforeLayer,
  encode,
  flattenRows,
  type PromptQueries,
  type PromptRows,
  poolTexts,
  unitLength,
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
import { consistency, crossEntropy, logitsOf } from "./loss.ts";

export interface SptGraphOptions {
  readonly backbone: Backbone;
  readonly shape: GeneratorShape;
  readonly classes: number;
  /** Layers with a generator, ascending. In a search: all. */
  readonly layers: readonly number[];
  readonly mode: "search" | "tune";
  /** False: only the output "features". */
  readonly gradients: boolean;
  /** Search: competing gates (SPT-DARTS) or plain ones. Default true. */
  readonly reparameterized?: boolean;
  /** float64 is for gradient checks. Default float32. */
  readonly floatType?: FloatType;
}

/** Inputs of gate l: alpha [1], and the Bernoulli mask of each prompt row [Q, 1] with Q = B·P. */
export const alphaInput = (layer: number) => `alpha ${layer}`;
export const maskInput = (layer: number) => `mask ${layer}`;
export const keepInput = (layer: number) => `keep ${layer}`;
export const gradientOutput = (input: string) => `grad ${input}`;

export const HEAD_INPUTS = ["head", "headBias"] as const;

export function buildSptGraph(options: SptGraphOptions): Graph {
  const { backbone, shape, classes, layers, mode } = options;
  const { width } = shape;
  const builder = new GraphBuilder(options.floatType);
  const states_RTD = builder.input("states", ["R", "T", width]);
  const segmentIds = builder.input("segmentIds", ["R", "T"], "int32");
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
    { segmentIds, states_RTD, fromLayer: must(layers[0], "first layer") },
    insert,
  );
  const features = unitLength(builder, poolTexts(builder, builder.input("pool", ["B", "X"]), final));
  builder.output("features", features);
  if (options.gradients) {
    const head = { weight_DC: train("head", [width, classes]), bias_C: train("headBias", [classes]) };
    addLoss(builder, { features, head, mode, classes, trainable });
  }
  return builder.build();
}

type Train = (name: string, dims: readonly (number | string)[]) => Tensor;

function addLoss(
  builder: GraphBuilder,
  parts: {
    features: Tensor;
    head: { weight_DC: Tensor; bias_C: Tensor };
    mode: "search" | "tune";
    classes: number;
    trainable: readonly { name: string; tensor: Tensor }[];
  },
): void {
  const targets = builder.input("targets", ["B", parts.classes]);
  const fit = crossEntropy(builder, logitsOf(builder, parts.features, parts.head), targets);
  const loss =
    parts.mode === "search"
      ? builder.apply("Add", [
          fit,
          consistency(builder, parts.features, builder.input("difference", ["H", "B"])),
        ])
      : fit;
  builder.output("loss", fit);
  const gradients = backward(
    builder,
    loss,
    parts.trainable.map(({ tensor }) => tensor),
  );
  for (const [index, { name }] of parts.trainable.entries()) {
    builder.output(gradientOutput(name), must(gradients[index], name));
  }
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
    ["B", count, width],
  );
  const keep = options.gradients ? builder.input(keepInput(layer), ["B", count, bottleneck]) : undefined;
  const prompts = generatePrompts(builder, pooled, { weights, promptTokens, ...(keep ? { keep } : {}) });
  return builder.reshape(prompts, [-1, width], ["Q", width]);
}

/** Every layer blends; a prompt key weighs by how much of it exists. */
function softInsertions(builder: GraphBuilder, options: SptGraphOptions, train: Train): BeforeLayer {
  const slots = builder.input("slots", ["G", "X"]);
  const place = promptPlaces(builder);
  const biasAt = builder.input("biasAt", ["R", "T+U"], "int32");
  const gates = softGates(builder, options, train);
  let presence: Tensor | undefined;
  return (layer, { states_RTD, carried }) => {
    const gate = must(gates.get(layer), `gate ${layer}`);
    const flat_XD = flattenRows(builder, states_RTD);
    const fresh = freshPrompts(builder, { flat_XD, slots, layer, options, train });
    const blended = blendPrompts(builder, { gate, propagated: carried, fresh });
    presence = promptPresence(builder, gate, presence);
    const keyBias = placeBias(builder, presenceBias(builder, presence), biasAt);
    const goOn = layer + 1 < options.backbone.config.layers;
    return { prompts: { ...place(blended, { goOn }), keyBias } };
  };
}

/** Puts [Q, D] prompt rows in their slots beside the texts; those that go on are queries too. */
function promptPlaces(
  builder: GraphBuilder,
): (states: Tensor, options: { goOn: boolean }) => { keys: PromptRows; queries?: PromptQueries } {
  const slotsAt = builder.input("slotsAt", ["R", "U"], "int32");
  const segmentIds = builder.input("promptSegments", ["R", "U"], "int32");
  const rowsAt = builder.input("promptsAt", ["Q"], "int32");
  return (states, { goOn }) => {
    const prompts = { states, slotsAt, segmentIds, rowsAt };
    return goOn ? { keys: prompts, queries: prompts } : { keys: prompts };
  };
}

/** Masked gate of each prompt row [Q, 1], by layer. */
function softGates(builder: GraphBuilder, options: SptGraphOptions, train: Train): Map<number, Tensor> {
  const values = options.layers.map((layer) => gateValue(builder, train(alphaInput(layer), [1])));
  const competing = (options.reparameterized ?? true) ? reparameterizeGates(builder, values) : values;
  return new Map(
    options.layers.map((layer, index) => [
      layer,
      builder.apply("Mul", [builder.input(maskInput(layer), ["Q", 1]), must(competing[index], "gate")]),
    ]),
  );
}

/** [Q, 1] biases to [R, 1, 1, T+U]; index 0 is the text's own positions, 0. */
function placeBias(builder: GraphBuilder, bias_Q1: Tensor, biasAt: Tensor): Tensor {
  const rows = builder.apply("Concat", [builder.constant(new Float32Array(1), [1, 1]), bias_Q1]);
  return builder.reshape(builder.apply("Gather", [rows, biasAt]), [0, 1, 1, -1], ["R", 1, 1, "T+U"]);
}

/** At a selected layer the new prompt takes the place of the old; the first one starts the graph. */
function hardInsertions(builder: GraphBuilder, options: SptGraphOptions, train: Train): BeforeLayer {
  const { layers, backbone } = options;
  const slots = builder.input("slots", ["G", "X"]);
  const place = promptPlaces(builder);
  return (layer, { states_RTD, carried }) => {
    const flat_XD = flattenRows(builder, states_RTD);
    const rows_QD = layers.includes(layer)
      ? freshPrompts(builder, { flat_XD, slots, layer, options, train })
      : must(carried, "carried prompts");
    const goOn = layer + 1 < backbone.config.layers && !layers.includes(layer + 1);
    return { prompts: place(rows_QD, { goOn }) };
  };
}
