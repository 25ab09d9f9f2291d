// One adapter's insertions in a graph of padded texts: as beforeLayer of the encoder. Every text has as many prompt
// tokens as every other, so those of a layer are [B, K, D], and their places are known by number.
import type { EncoderConfig } from "../encoder/config.ts";
import {
  type BeforeLayer,
  type LayerNorms,
  type LayerProducts,
  type PromptRows,
  queryScale,
} from "../encoder/encoder.ts";
import type { LayerWeights, Norm } from "../encoder/weights.ts";
import type { GraphBuilder, Tensor } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import {
  type Adapter,
  isLowRank,
  isPromptGenerator,
  isScaleShift,
  type LowRank,
  type LowRankProduct,
  type PromptGenerator,
} from "../spt/adapter.ts";
import { generatePrompts, slotsOf } from "../spt/prompt-generator.ts";
import { averagesOf, type PaddedTexts } from "./padded-texts.ts";

/** What the classifier's batchFeeds does for many adapters, for this one: see there for what is carried where. */
export function insertionsOf(
  texts: PaddedTexts,
  { insertions }: Adapter,
  { config, layers }: { config: EncoderConfig; layers: readonly LayerWeights[] },
): BeforeLayer {
  const { builder } = texts;
  const generators = new Map(insertions.filter(isPromptGenerator).map((one) => [one.layer, one]));
  const scales = new Map(insertions.filter(isScaleShift).map((one) => [one.layer, one]));
  const updates = new Map(insertions.filter(isLowRank).map((one) => [one.layer, one]));
  let carriedCount = 0;
  return (layer, { states_RTD, carried }) => {
    const inserted = scales.get(layer);
    const { attentionNorm, outputNorm } = must(layers[layer], "layer");
    const norms = inserted && {
      attention: shifted(builder, attentionNorm, inserted.attention),
      output: shifted(builder, outputNorm, inserted.output),
    };
    const update = updates.get(layer);
    const changes = {
      ...withNorms(norms),
      ...(update && { products: productsOf(builder, update, config) }),
    };
    const generator = generators.get(layer);
    const made = generator && newPrompts(texts, states_RTD, generator);
    const kept =
      carried && keptRows(builder, carried, { count: carriedCount, from: generator?.promptTokens ?? 0 });
    const prompts = made && kept ? builder.apply("Concat", [made, kept], { axis: 1 }) : (made ?? kept);
    if (!prompts) {
      carriedCount = 0;
      return changes;
    }
    const keys = promptRows(builder, prompts);
    const count = Number(prompts.shape[1]);
    const replaced = generators.get(layer + 1)?.promptTokens ?? 0;
    const goOn = layer + 1 < layers.length && replaced < count;
    carriedCount = goOn ? count : 0;
    return {
      prompts: { keys, ...(goOn && { queries: { ...keys, ...withNorms(norms) } }) },
      ...changes,
    };
  };
}

function withNorms(norms: LayerNorms | undefined): { norms?: LayerNorms } {
  return norms ? { norms } : {};
}

function shifted(
  builder: GraphBuilder,
  { gamma_D, beta_D }: Norm,
  { scale_D, shift_D }: { scale_D: Float32Array; shift_D: Float32Array },
) {
  const sum = (own: Float32Array, more: Float32Array) =>
    builder.constant(
      own.map((value, d) => value + (more[d] ?? 0)),
      [own.length],
    );
  return { scale: sum(gamma_D, scale_D), shift: sum(beta_D, shift_D) };
}

function productsOf(
  builder: GraphBuilder,
  { rank, query, value }: LowRank,
  config: EncoderConfig,
): LayerProducts {
  const { width } = config;
  const matrices = ({ down_DK, up_KD }: LowRankProduct, scale: number) => ({
    down: builder.constant(down_DK, [width, rank]),
    up: builder.constant(
      up_KD.map((weight) => weight * scale),
      [rank, width],
    ),
  });
  return { query: matrices(query, queryScale(config)), value: matrices(value, 1) };
}

/** [B, P, D] */
function newPrompts(texts: PaddedTexts, states: Tensor, generator: PromptGenerator): Tensor {
  const { builder } = texts;
  const { promptTokens, bottleneck, pooling, down_DM, up_ME, bias_PD } = generator;
  const width = Number(states.shape[2]);
  const averages = averagesOf(texts, slotsOf(pooling, promptTokens));
  return generatePrompts(builder, builder.apply("MatMul", [averages, states]), {
    weights: {
      down: builder.constant(down_DM, [width, bottleneck]),
      up: builder.constant(up_ME, [bottleneck, up_ME.length / bottleneck]),
      bias: builder.constant(bias_PD, [promptTokens, width]),
    },
    promptTokens,
  });
}

/** [B, count - from, D] of the rows [B·count, D], the first `from` of each text left out; undefined where none is left. */
function keptRows(
  builder: GraphBuilder,
  carried: Tensor,
  { count, from }: { count: number; from: number },
): Tensor | undefined {
  const left = count - from;
  if (left <= 0) return undefined;
  const width = Number(carried.shape[1]);
  const rows = builder.reshape(builder.apply("IndicesAlong", [carried]), [-1, count], ["B", count]);
  // [count, B] turned over: a Gather takes rows.
  const turned = builder.apply("Transpose", [rows], { perm: [1, 0] });
  const which = builder.constant(
    Int32Array.from({ length: left }, (_, index) => from + index),
    [left],
  );
  const at = builder.apply("Transpose", [builder.apply("Gather", [turned, which])], { perm: [1, 0] });
  return { ...builder.apply("Gather", [carried, at]), shape: ["B", left, width] };
}

/** Prompts [B, K, D] as rows, each in the slot of its own number. */
function promptRows(builder: GraphBuilder, prompts: Tensor): PromptRows & { rowsAt: Tensor } {
  const [, count = 0, width = 0] = prompts.shape;
  const states = builder.reshape(prompts, [-1, Number(width)], [`B·${count}`, width]);
  const rowsAt = builder.apply("IndicesAlong", [states]);
  const slotsAt = builder.reshape(rowsAt, [-1, Number(count)], ["B", count]);
  // Segment 0, as the text's own.
  const segmentIds = builder.apply("Sub", [slotsAt, slotsAt]);
  return { states, rowsAt, slotsAt, segmentIds };
}
