// The graph of the sixth step: the frozen encoder with room for any adapters' prompt generators at
// every layer. Generators are inputs: slabs of resident weights, and for each (text, layer) pair of
// the batch the slot its adapter lives in. One session serves every mix.
import { encodeTexts } from "../encoder/encode-texts.ts";
import type {
  EncoderSource,
  LayerNorms,
  LayerProducts,
  NormTensors,
  PromptQueries,
  PromptRows,
} from "../encoder/encoder.ts";
import { flattenRows } from "../encoder/pool.ts";
import { type Graph, GraphBuilder, type Tensor } from "../graph/builder.ts";
import { LOW_RANK_COLUMNS, must } from "../graph/ops.ts";
import type { GeneratorPooling, NormSite, ProductSite } from "../spt/adapter.ts";
import { generatePrompts } from "../spt/prompt-generator.ts";

export const POOLINGS = ["mean", "slots"] as const satisfies readonly GeneratorPooling[];

export type NormPart = keyof NormTensors;
export const NORM_PARTS = ["scale", "shift"] as const satisfies readonly NormPart[];

/** [R, G, T, LOW_RANK_COLUMNS]: 1 where a column of the row's low-rank updates is of the position's own adapter. */
export const OWN_COLUMNS = "ownColumns";

/** Names of the inputs of one layer. Prompt tokens stand in U slots a row; Y in all go on to the next layer. */
export const layerInput = {
  /** [R, U] int32, [R, U] int32: see PromptRows; the rows are [carried; new of "mean"; new of "slots"]. */
  keySlotsAt: (layer: number) => `keySlotsAt ${layer}`,
  keySegments: (layer: number) => `keySegments ${layer}`,
  /** [Y] int32: which of those rows go on. */
  queriesAt: (layer: number) => `queriesAt ${layer}`,
  /** [R, V] int32, [R, V] int32, [Y] int32: see PromptQueries. */
  querySlotsAt: (layer: number) => `querySlotsAt ${layer}`,
  querySegments: (layer: number) => `querySegments ${layer}`,
  queryRowsAt: (layer: number) => `queryRowsAt ${layer}`,
  /** [R, T] int32: where in the tables the scales and shifts of each position are. */
  normRows: (layer: number) => `normRows ${layer}`,
  /** [Y] int32: the same of the prompt tokens that go on. */
  queryNormRows: (layer: number) => `queryNormRows ${layer}`,
  /** [A, D]: the backbone's own first. */
  normTable: (layer: number, site: NormSite, part: NormPart) => `${site} ${part} ${layer}`,
  /** [R, G, D, LOW_RANK_COLUMNS] and [R, G, LOW_RANK_COLUMNS, D]: the low-rank updates of each row's adapters. */
  productDown: (layer: number, site: ProductSite) => `${site} product down ${layer}`,
  productUp: (layer: number, site: ProductSite) => `${site} product up ${layer}`,
  /** [R, W, T]: averages of the positions of a row, for the pairs of its texts. */
  slots: (layer: number, pooling: GeneratorPooling) => `slots ${layer} ${pooling}`,
  /** [S·G] int32: where the G averages of each pair are among the R·W. */
  slotsAt: (layer: number, pooling: GeneratorPooling) => `slotsAt ${layer} ${pooling}`,
  /** [S] int32: the slab slot of each pair's adapter. */
  adapter: (layer: number, pooling: GeneratorPooling) => `adapter ${layer} ${pooling}`,
  /** [A, D, M], [A, M, E], [A, P, D] */
  down: (layer: number, pooling: GeneratorPooling) => `down ${layer} ${pooling}`,
  up: (layer: number, pooling: GeneratorPooling) => `up ${layer} ${pooling}`,
  bias: (layer: number, pooling: GeneratorPooling) => `bias ${layer} ${pooling}`,
};

/** Output "features": what heads read, [B, D] (textFeatures). */
export function servingGraph(source: EncoderSource): Graph {
  const { config } = source;
  const builder = new GraphBuilder();
  const own = builder.input(OWN_COLUMNS, ["R", "G", "T", LOW_RANK_COLUMNS]);
  const features = encodeTexts(builder, source, (layer, { states_RTD: states, carried }) => {
    const keys = keyPrompts(builder, { layer, states, carried });
    const tables = normTables(builder, layer, config.width);
    const norms = { ...tables, rows: builder.input(layerInput.normRows(layer), ["R", "T"], "int32") };
    const products = { ...productUpdates(builder, layer, config.width), own };
    if (layer + 1 === config.layers) return { prompts: { keys }, norms, products };
    return { prompts: { keys, queries: queryPrompts(builder, { layer, keys, tables }) }, norms, products };
  });
  builder.output("features", features);
  return builder.build();
}

/** Scales and shifts of any adapters at a layer. */
function normTables(builder: GraphBuilder, layer: number, width: number): Omit<LayerNorms, "rows"> {
  const table = (site: NormSite, part: NormPart) =>
    builder.input(layerInput.normTable(layer, site, part), [`A ${layer} norms`, width]);
  return {
    attention: { scale: table("attention", "scale"), shift: table("attention", "shift") },
    output: { scale: table("output", "scale"), shift: table("output", "shift") },
  };
}

/** Low-rank updates of any adapters at a layer. */
function productUpdates(builder: GraphBuilder, layer: number, width: number): Omit<LayerProducts, "own"> {
  const update = (site: ProductSite) => ({
    down: builder.input(layerInput.productDown(layer, site), ["R", "G", width, LOW_RANK_COLUMNS]),
    up: builder.input(layerInput.productUp(layer, site), ["R", "G", LOW_RANK_COLUMNS, width]),
  });
  return { query: update("query"), value: update("value") };
}

/** What the texts see at a layer: prompts carried from the layer before, and new ones. */
function keyPrompts(
  builder: GraphBuilder,
  { layer, states, carried }: { layer: number; states: Tensor; carried: Tensor | undefined },
): PromptRows {
  const [first, ...others] = [
    ...(carried ? [carried] : []),
    ...POOLINGS.map((pooling) => newPrompts(builder, { layer, pooling, states_RTD: states })),
  ];
  const slots = ["R", `U ${layer}`];
  return {
    states: others.reduce((all, part) => builder.apply("Concat", [all, part]), must(first, "prompts")),
    slotsAt: builder.input(layerInput.keySlotsAt(layer), slots, "int32"),
    segmentIds: builder.input(layerInput.keySegments(layer), slots, "int32"),
  };
}

function queryPrompts(
  builder: GraphBuilder,
  { layer, keys, tables }: { layer: number; keys: PromptRows; tables: Omit<LayerNorms, "rows"> },
): PromptQueries {
  const integers = (name: string, shape: readonly string[]) => builder.input(name, shape, "int32");
  const [rows, slots] = [`Y ${layer}`, `V ${layer}`];
  return {
    states: builder.apply("Gather", [keys.states, integers(layerInput.queriesAt(layer), [rows])]),
    slotsAt: integers(layerInput.querySlotsAt(layer), ["R", slots]),
    segmentIds: integers(layerInput.querySegments(layer), ["R", slots]),
    rowsAt: integers(layerInput.queryRowsAt(layer), [rows]),
    norms: { ...tables, rows: integers(layerInput.queryNormRows(layer), [rows]) },
  };
}

/** [S·P, D] prompts of the pairs of one layer and pooling. */
function newPrompts(
  builder: GraphBuilder,
  { layer, pooling, states_RTD }: { layer: number; pooling: GeneratorPooling; states_RTD: Tensor },
): Tensor {
  const width = Number(states_RTD.shape[2]);
  const key = `${layer} ${pooling}`;
  const [pairs, tokens, bottleneck] = [`S ${key}`, `P ${key}`, `M ${key}`];
  const slots = pooling === "mean" ? 1 : tokens;
  const wide = pooling === "mean" ? `E ${key}` : width;
  const adapter = builder.input(layerInput.adapter(layer, pooling), [pairs], "int32");
  const gathered = (name: string, shape: readonly (string | number)[]) =>
    builder.apply("Gather", [builder.input(name, [`A ${key}`, ...shape]), adapter]);
  const down = gathered(layerInput.down(layer, pooling), [width, bottleneck]);
  const up = gathered(layerInput.up(layer, pooling), [bottleneck, wide]);
  const bias = gathered(layerInput.bias(layer, pooling), [tokens, width]);
  const averaging = builder.input(layerInput.slots(layer, pooling), ["R", `W ${key}`, "T"]);
  const averages = flattenRows(builder, builder.apply("MatMul", [averaging, states_RTD]));
  const slotsAt = builder.input(layerInput.slotsAt(layer, pooling), [`SG ${key}`], "int32");
  const pooled = builder.apply("Gather", [averages, slotsAt]);
  const pooled_SGD =
    pooling === "mean"
      ? builder.reshape(pooled, [-1, 1, width], [pairs, 1, width])
      : builder.apply("Reshape", [pooled, builder.apply("ShapeOf", [bias])], {
          shape: [pairs, slots, width],
        });
  const prompts = generatePrompts(builder, pooled_SGD, { weights: { down, up, bias }, promptTokens: tokens });
  return builder.reshape(prompts, [-1, width], [`SP ${key}`, width]);
}
