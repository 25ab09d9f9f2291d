// What an adapter is: the insertions that steer the frozen encoder, and the head that reads it.
// Plain data. An adapter holds nothing of the backbone; it is only valid on the backbone whose
// digest its manifest names.

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

/** An open list: a further kind of insertion joins this union, the adapter file and the runtime. */
export type Insertion = PromptGenerator;

/** logits_C = weight_CD · (pooled_D / ‖pooled_D‖) + bias_C. */
export interface Head {
  readonly weight_CD: Float32Array;
  readonly bias_C: Float32Array;
}

export interface Adapter {
  /** D of the backbone it was trained on. */
  readonly width: number;
  /** Ascending by layer, at most one of a kind per layer. May be empty: then only the head is used. */
  readonly insertions: readonly Insertion[];
  readonly head: Head;
  /** Label of class c at index c; unique; 2 … LABELS_MAX. */
  readonly labels: readonly string[];
  /** Calibration: scores = softmax(logits / temperature); > 0. */
  readonly temperature: number;
}

export const PROMPT_TOKENS_MAX = 32;
export const BOTTLENECK_MAX = 256;
export const LABELS_MAX = 1_000;
