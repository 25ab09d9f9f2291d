// The encoder's weights by role, out of a safetensors file of a BERT or RoBERTa model. Names with and
// without the "bert." / "roberta." prefix are accepted; linear weights are transposed to [in, out].
import type { EncoderConfig } from "./config.ts";

export interface Norm {
  readonly gamma_D: Float32Array;
  readonly beta_D: Float32Array;
}

export interface Linear {
  /** [in, out], row major: y = x · weight + bias. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface LayerWeights {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attentionOutput: Linear;
  readonly attentionNorm: Norm;
  readonly feedForwardIn: Linear;
  readonly feedForwardOut: Linear;
  readonly outputNorm: Norm;
}

export interface EncoderWeights {
  readonly tokenEmbedding_VD: Float32Array;
  readonly positionEmbedding: Float32Array;
  readonly typeEmbedding: Float32Array;
  readonly embeddingNorm: Norm;
  readonly layers: readonly LayerWeights[];
}

/** Throws ModelError invalid_backbone naming the tensor that is absent or has another shape. */
export declare function readEncoderWeights(safetensors: Uint8Array, config: EncoderConfig): EncoderWeights;
