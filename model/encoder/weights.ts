// The encoder's weights by role, out of a safetensors file of a BERT, RoBERTa or MPNet model. Names with and
// without the "bert." / "roberta." / "mpnet." prefix are accepted; linear weights are transposed to [in, out].
// A masked-language-model head is read where the file has one.
import { ModelError } from "../errors.ts";
import { parseSafetensors, type Tensor } from "../safetensors/parse.ts";
import { toFloat32 } from "../safetensors/read-tensor.ts";
import { transpose } from "../safetensors/transpose.ts";
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

/** What predicts the word at a mask: decoder_VD · norm(activation(dense(state_D))) + bias_V. */
export interface MaskHead {
  readonly dense: Linear;
  readonly norm: Norm;
  /** The word embeddings, unless the file holds others. */
  readonly decoder_VD: Float32Array;
  readonly bias_V: Float32Array;
}

export interface EncoderWeights {
  readonly tokenEmbedding_VD: Float32Array;
  readonly positionEmbedding: Float32Array;
  /** Absent where the backbone has no token types. */
  readonly typeEmbedding?: Float32Array;
  /** [relativeBuckets, H], row by row: see relative-bias.ts. Absent where positions are absolute only. */
  readonly relativeBias?: Float32Array;
  readonly embeddingNorm: Norm;
  readonly layers: readonly LayerWeights[];
  /** Absent where the backbone predicts no words. */
  readonly maskHead?: MaskHead;
}

/** Throws ModelError invalid_backbone naming the tensor that is absent or has another shape. */
export function readEncoderWeights(safetensors: Uint8Array, config: EncoderConfig): EncoderWeights {
  const { tensors } = parseSafetensors(safetensors);
  const prefix = PREFIXES.find((candidate) => tensors.has(`${candidate}${WORD_EMBEDDINGS}`)) ?? "";
  const source: Source = { tensors, prefix };
  const { width, heads, layers, vocabulary, positions, positionOffset, tokenTypes, relativeBuckets } = config;
  const rows = positions + positionOffset;
  const tokenEmbedding_VD = read(source, [WORD_EMBEDDINGS], [vocabulary, width]);
  const maskHead = readMaskHead(tensors, config, tokenEmbedding_VD);
  return {
    tokenEmbedding_VD,
    positionEmbedding: read(source, ["embeddings.position_embeddings.weight"], [rows, width]),
    ...(tokenTypes > 0 && {
      typeEmbedding: read(source, ["embeddings.token_type_embeddings.weight"], [tokenTypes, width]),
    }),
    ...(relativeBuckets > 0 && {
      relativeBias: read(source, ["encoder.relative_attention_bias.weight"], [relativeBuckets, heads]),
    }),
    embeddingNorm: readNorm(source, "embeddings.LayerNorm", width),
    layers: Array.from({ length: layers }, (_, layer) => readLayer(source, layer, config)),
    ...(maskHead ? { maskHead } : {}),
  };
}

/** Plain encoders; with a head of another task on top; wrapped by sentence-transformers. */
const PREFIXES = ["", "bert.", "roberta.", "mpnet.", "model.", "auto_model."];
const WORD_EMBEDDINGS = "embeddings.word_embeddings.weight";

const LM_HEAD = {
  dense: "lm_head.dense",
  norm: "lm_head.layer_norm",
  decoder: "lm_head.decoder.weight",
  bias: ["lm_head.bias", "lm_head.decoder.bias"],
} as const;

/** The head's parts as BertForMaskedLM, RobertaForMaskedLM and MPNetForMaskedLM save them. */
const MASK_HEAD_NAMES = {
  bert: {
    dense: "cls.predictions.transform.dense",
    norm: "cls.predictions.transform.LayerNorm",
    decoder: "cls.predictions.decoder.weight",
    bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
  },
  roberta: LM_HEAD,
  mpnet: LM_HEAD,
} as const satisfies Record<EncoderConfig["family"], Record<string, string | readonly string[]>>;

function readMaskHead(
  tensors: Source["tensors"],
  { family, width, vocabulary }: EncoderConfig,
  tokenEmbedding_VD: Float32Array,
): MaskHead | undefined {
  const names = MASK_HEAD_NAMES[family];
  if (!tensors.has(`${names.dense}.weight`)) return undefined;
  const source = { tensors, prefix: "" };
  return {
    dense: readLinear(source, names.dense, width, width),
    norm: readNorm(source, names.norm, width),
    decoder_VD: tensors.has(names.decoder)
      ? read(source, [names.decoder], [vocabulary, width])
      : tokenEmbedding_VD,
    bias_V: read(source, names.bias, [vocabulary]),
  };
}

interface Source {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly prefix: string;
}

/** Names below a layer's "attention.". */
const BERT_ATTENTION = {
  query: "self.query",
  key: "self.key",
  value: "self.value",
  output: "output.dense",
  norm: "output.LayerNorm",
};
const ATTENTION_NAMES = {
  bert: BERT_ATTENTION,
  roberta: BERT_ATTENTION,
  mpnet: { query: "attn.q", key: "attn.k", value: "attn.v", output: "attn.o", norm: "LayerNorm" },
} satisfies Record<EncoderConfig["family"], typeof BERT_ATTENTION>;

function readLayer(
  source: Source,
  layer: number,
  { family, width, feedForward }: EncoderConfig,
): LayerWeights {
  const name = `encoder.layer.${layer}`;
  const attention = ATTENTION_NAMES[family];
  return {
    query: readLinear(source, `${name}.attention.${attention.query}`, width, width),
    key: readLinear(source, `${name}.attention.${attention.key}`, width, width),
    value: readLinear(source, `${name}.attention.${attention.value}`, width, width),
    attentionOutput: readLinear(source, `${name}.attention.${attention.output}`, width, width),
    attentionNorm: readNorm(source, `${name}.attention.${attention.norm}`, width),
    feedForwardIn: readLinear(source, `${name}.intermediate.dense`, width, feedForward),
    feedForwardOut: readLinear(source, `${name}.output.dense`, feedForward, width),
    outputNorm: readNorm(source, `${name}.output.LayerNorm`, width),
  };
}

function readLinear(source: Source, name: string, inWidth: number, outWidth: number): Linear {
  const weight = read(source, [`${name}.weight`], [outWidth, inWidth]);
  return {
    weight: transpose(weight, outWidth, inWidth),
    bias: read(source, [`${name}.bias`], [outWidth]),
  };
}

/** Files converted from TensorFlow say gamma and beta. */
function readNorm(source: Source, name: string, width: number): Norm {
  return {
    gamma_D: read(source, [`${name}.weight`, `${name}.gamma`], [width]),
    beta_D: read(source, [`${name}.bias`, `${name}.beta`], [width]),
  };
}

/** The first of the names that exists. */
function read({ tensors, prefix }: Source, names: readonly string[], shape: readonly number[]): Float32Array {
  const name = names.map((candidate) => prefix + candidate).find((candidate) => tensors.has(candidate));
  const tensor = name === undefined ? undefined : tensors.get(name);
  if (name === undefined || tensor === undefined) {
    throw new ModelError("invalid_backbone", `The backbone's weights lack the tensor ${prefix}${names[0]}.`);
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    throw new ModelError(
      "invalid_backbone",
      `The backbone's tensor ${name} is [${tensor.shape}]; config.json asks for [${shape}].`,
    );
  }
  return toFloat32(name, tensor);
}
