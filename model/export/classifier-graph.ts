// Backbone and one adapter as one graph of their own: token ids in, logits and probabilities out. What the
// classifier computes for many adapters at once, in a form that any ONNX runtime takes.
import { type Backbone, TEXT_TOKENS_MAX } from "../backbone.ts";
import { encode } from "../encoder/encoder.ts";
import { featuresOfPooled } from "../encoder/mask-head.ts";
import { ModelError } from "../errors.ts";
import { type Graph, GraphBuilder, type Tensor } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import { featureWidth, PAIR_WEIGHTS } from "../pair-features.ts";
import { assertFits } from "../runtime/adapter-cache.ts";
import { transpose } from "../safetensors/transpose.ts";
import type { Adapter } from "../spt/adapter.ts";
import { parseTemplate } from "../template.ts";
import { insertionsOf } from "./insertions.ts";
import {
  averagesOf,
  bucketsBetween,
  embedTexts,
  firstToken,
  type PaddedTexts,
  paddedTexts,
  tokenOf,
} from "./padded-texts.ts";

/** What is behind the names of the second text's inputs, where an adapter reads each text of a pair alone. */
export const PAIR_SUFFIX = "_pair";

/** Tokens of one text, specials included. */
export function tokensMaxOf({ config }: Pick<Backbone, "config">): number {
  return Math.min(TEXT_TOKENS_MAX, config.positions);
}

/** Throws ModelError backbone_mismatch, invalid_adapter. */
export function classifierGraph(backbone: Backbone, adapter: Adapter): Graph {
  assertFits(adapter, backbone.config);
  const builder = new GraphBuilder();
  const first = featuresOf(builder, { backbone, adapter, suffix: "" });
  const features =
    adapter.pairMode === "dual"
      ? pairFeatures(builder, first, featuresOf(builder, { backbone, adapter, suffix: PAIR_SUFFIX }))
      : first;
  const { weight_CD, bias_C } = adapter.head;
  const [classes, inputs] = [bias_C.length, featureWidth(adapter.width, adapter.pairMode)];
  const weight = builder.constant(transpose(weight_CD, classes, inputs), [inputs, classes]);
  const product = builder.apply("MatMul", [features, weight]);
  const logits = builder.apply("Add", [product, builder.constant(bias_C, [classes])]);
  const calibrated = builder.apply("Mul", [logits, builder.scalar(1 / adapter.temperature)]);
  builder.output("logits", logits);
  builder.output("probabilities", builder.apply("Softmax", [calibrated]));
  return builder.build();
}

/** [B, D] */
function featuresOf(
  builder: GraphBuilder,
  { backbone, adapter, suffix }: { backbone: Backbone; adapter: Adapter; suffix: string },
): Tensor {
  const { config, weights } = backbone;
  const texts = paddedTexts(builder, suffix);
  const states_RTD = embedTexts(texts, config, weights);
  const buckets = config.relativeBuckets > 0 ? { buckets: bucketsBetween(texts, tokensMaxOf(backbone)) } : {};
  const inputs = { segmentIds: texts.segmentIds, ...buckets, states_RTD, fromLayer: 0 };
  const final = encode(
    builder,
    { config, weights },
    inputs,
    insertionsOf(texts, adapter, { config, layers: weights.layers }),
  );
  const pool = poolOf(texts, backbone, adapter);
  const pooled = builder.apply("MatMul", [pool, final]);
  const rows = builder.reshape(pooled, [-1, config.width], ["B", config.width]);
  return featuresOfPooled(builder, { config, weights }, rows);
}

/** [B, 1, L] or [1, 1, L] */
function poolOf(texts: PaddedTexts, { config, tokenizer }: Backbone, { template }: Adapter): Tensor {
  if (config.pooling === "mean") return averagesOf(texts, 1);
  if (config.pooling === "first") return firstToken(texts);
  if (template === undefined) throw new ModelError("invalid_adapter", "Invalid adapter: it has no template.");
  const { tokenIds, maskAt } = tokenizer.encode("", template);
  const maskId = must(tokenIds[must(maskAt, "mask")], "mask id");
  const marks = parseTemplate(template).map(({ mark }) => mark);
  // A text may spell the mask out; where all text stands on one side, the template's own is the outermost.
  const textBefore = marks.slice(0, marks.indexOf("mask")).some((mark) => mark.startsWith("text"));
  return tokenOf(texts, maskId, textBefore ? "last" : "first");
}

/** |u - v|, u ⊙ v and u · v, weighted (see model/pair-features.ts). */
function pairFeatures(builder: GraphBuilder, first: Tensor, second: Tensor): Tensor {
  const difference = builder.apply("Sub", [first, second]);
  const size = builder.apply("Add", [
    builder.apply("Relu", [difference]),
    builder.apply("Relu", [builder.apply("Neg", [difference])]),
  ]);
  const product = builder.apply("Mul", [first, second]);
  const dot = builder.apply("ReduceSum", [product], { axes: [1] });
  const scaled = (x: Tensor, by: number) => builder.apply("Mul", [x, builder.scalar(by)]);
  const wide = builder.apply(
    "Concat",
    [scaled(size, PAIR_WEIGHTS.dimension), scaled(product, PAIR_WEIGHTS.dimension)],
    { axis: 1 },
  );
  return builder.apply("Concat", [wide, scaled(dot, PAIR_WEIGHTS.cosine)], { axis: 1 });
}
