// What an adapter is: the insertions that steer the frozen encoder, and the head that reads it.
// Plain data. An adapter holds nothing of the backbone; it is only valid on the backbone whose
// digest its manifest names.
import { LOW_RANK_COLUMNS } from "../graph/ops.ts";
import type { PairMode } from "../pair-features.ts";

/**
 * Makes P soft tokens for one layer from the hidden states that enter it (SPT, Zhu & Tan 2023):
 *   slots_GD   = mean over the text tokens                          (pooling "mean",  G = 1)
 *              = means over P near-equal runs of the text tokens    (pooling "slots", G = P)
 *   prompt_PD  = reshape(tanh(slots_GD · down_DM) · up_ME) + bias_PD,   E = P·D / G
 */
export interface PromptGenerator {
  readonly kind: "prompt_generator";
  /** The prompt enters this encoder layer, 0 … N-1. */
  readonly layer: number;
  readonly pooling: GeneratorPooling;
  /** P, 1 … PROMPT_TOKENS_MAX. */
  readonly promptTokens: number;
  /** M, 1 … BOTTLENECK_MAX. */
  readonly bottleneck: number;
  readonly down_DM: Float32Array;
  /** [M, P·D] for "mean", [M, D] for "slots". */
  readonly up_ME: Float32Array;
  readonly bias_PD: Float32Array;
}

export type GeneratorPooling = "mean" | "slots";

/**
 * Other scales and shifts for the two layer norms of one layer (LayerNorm tuning; SSF, Lian et al. 2022):
 *   y = x̂ · (gamma + scale_D) + (beta + shift_D),   x̂ the normalised states, gamma and beta the backbone's.
 */
export interface ScaleShift {
  readonly kind: "scale_shift";
  readonly layer: number;
  /** After attention, and after the feed-forward part: the layer's output. */
  readonly attention: ScaleShiftVectors;
  readonly output: ScaleShiftVectors;
}

/** The two norms of a layer. */
export const NORM_SITES = ["attention", "output"] as const;
export type NormSite = (typeof NORM_SITES)[number];

export interface ScaleShiftVectors {
  readonly scale_D: Float32Array;
  readonly shift_D: Float32Array;
}

/**
 * Low-rank updates of two products of one layer (LoRA, Hu et al. 2022), queries and values:
 *   y = x · W + b + (x · down_DK) · up_KD,   W and b the backbone's; of the text's tokens, not of prompt tokens.
 */
export interface LowRank {
  readonly kind: "low_rank";
  readonly layer: number;
  /** K, 1 … RANK_MAX. */
  readonly rank: number;
  readonly query: LowRankProduct;
  readonly value: LowRankProduct;
}

/** The two products of a layer. */
export const PRODUCT_SITES = ["query", "value"] as const;
export type ProductSite = (typeof PRODUCT_SITES)[number];

export interface LowRankProduct {
  readonly down_DK: Float32Array;
  readonly up_KD: Float32Array;
}

/** An open list: a further kind of insertion joins this union, the adapter file and the runtime. */
export type Insertion = PromptGenerator | ScaleShift | LowRank;

/** Of a layer's insertions in the order in which an adapter keeps them. */
export const INSERTION_KINDS = [
  "prompt_generator",
  "scale_shift",
  "low_rank",
] as const satisfies readonly Insertion["kind"][];

/** An insertion without its weights: what a batch must know of one whose weights are elsewhere. */
export type InsertionShape = GeneratorShape | Pick<ScaleShift, "kind" | "layer"> | LowRankShape;
export type LowRankShape = Pick<LowRank, "kind" | "layer" | "rank">;
export type GeneratorShape = Pick<
  PromptGenerator,
  "kind" | "layer" | "pooling" | "promptTokens" | "bottleneck"
>;

export function shapeOfInsertion(insertion: PromptGenerator): GeneratorShape;
export function shapeOfInsertion(insertion: Insertion): InsertionShape;
export function shapeOfInsertion(insertion: Insertion): InsertionShape {
  if (isScaleShift(insertion)) return { kind: insertion.kind, layer: insertion.layer };
  if (isLowRank(insertion)) return { kind: insertion.kind, layer: insertion.layer, rank: insertion.rank };
  const { kind, layer, pooling, promptTokens, bottleneck } = insertion;
  return { kind, layer, pooling, promptTokens, bottleneck };
}

/** Of insertions, with their weights or without. */
export function isPromptGenerator<One extends InsertionShape>(
  insertion: One,
): insertion is Extract<One, { kind: "prompt_generator" }> {
  return insertion.kind === "prompt_generator";
}

/** Of insertions, with their weights or without. */
export function isScaleShift<One extends InsertionShape>(
  insertion: One,
): insertion is Extract<One, { kind: "scale_shift" }> {
  return insertion.kind === "scale_shift";
}

/** Of insertions, with their weights or without. */
export function isLowRank<One extends InsertionShape>(
  insertion: One,
): insertion is Extract<One, { kind: "low_rank" }> {
  return insertion.kind === "low_rank";
}

/** The layers of the insertions of a kind, in their order. */
export function layersOf(
  insertions: readonly { readonly kind: Insertion["kind"]; readonly layer: number }[],
  kind: Insertion["kind"],
): number[] {
  return insertions.filter((one) => one.kind === kind).map(({ layer }) => layer);
}

/** The learned arrays, in a fixed order. */
export function weightsOfInsertion(insertion: Insertion): Float32Array[] {
  if (insertion.kind === "prompt_generator") return [insertion.down_DM, insertion.up_ME, insertion.bias_PD];
  if (insertion.kind === "low_rank") {
    return PRODUCT_SITES.flatMap((site) => [insertion[site].down_DK, insertion[site].up_KD]);
  }
  const { attention, output } = insertion;
  return [attention.scale_D, attention.shift_D, output.scale_D, output.shift_D];
}

/**
 * logits_C = weight_CD · features_D + bias_C; the features are pooled_D / ‖pooled_D‖, or a pair's, F for D, or
 * the vector of a masked-language-model head (textFeatures), where rows of its decoder are a head's start.
 */
export interface Head {
  readonly weight_CD: Float32Array;
  readonly bias_C: Float32Array;
}

export interface Adapter {
  /** D of the backbone it was trained on. */
  readonly width: number;
  /** Ascending by layer, at most one of a kind a layer, in the order of INSERTION_KINDS. May be empty: the head alone. */
  readonly insertions: readonly Insertion[];
  /**
   * Around each text, for a backbone whose masked-language-model head is read (see model/template.ts); absent
   * for all others. Pairs of such adapters are joint.
   */
  readonly template?: string;
  /** How the texts of a pair are read; "joint" too for adapters of single texts. */
  readonly pairMode: PairMode;
  readonly head: Head;
  /** Label of class c at index c; unique; 2 … LABELS_MAX. */
  readonly labels: readonly string[];
  /** Calibration: scores = softmax(logits / temperature); > 0. */
  readonly temperature: number;
  /** When a text is of none of the labels; absent where too few examples were held out to tell. */
  readonly outOfScope?: OutOfScope;
}

/**
 * A text is out of scope where its largest logit (MaxLogit, Hendrycks et al. 2022) is below a threshold. The
 * logits are the head's own, without the temperature.
 */
export interface OutOfScope {
  readonly score: "max_logit";
  readonly below: number;
}

export const PROMPT_TOKENS_MAX = 32;
export const BOTTLENECK_MAX = 256;
/** An adapter's columns stand in one group of a mixed pass: see AddLowRankByRow. */
export const RANK_MAX = LOW_RANK_COLUMNS;
export const LABELS_MAX = 1_000;
