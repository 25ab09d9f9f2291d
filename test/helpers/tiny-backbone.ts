// Backbones of a few hundred kilobytes, made up on the spot: the same options give the same bytes.
// Untrained, but wide enough in value that every weight shows in the hidden states.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackboneFiles } from "#model";
import { serializeSafetensors, type TensorToWrite } from "../../model/safetensors/serialize.ts";
import { createRandom, type Random } from "./random.ts";
import { makeByteLevelTokenizer, makeMpnetTokenizer, makeWordPieceTokenizer } from "./tiny-tokenizer.ts";

export type TinyFamily = "bert" | "roberta" | "mpnet";

export interface TinyBackboneOptions {
  readonly family?: TinyFamily;
  readonly layers?: number;
  readonly width?: number;
  readonly heads?: number;
  readonly feedForward?: number;
  readonly seed?: number;
  /** With the masked-language-model head on top, as BertForMaskedLM, RobertaForMaskedLM and MPNetForMaskedLM are saved. */
  readonly maskHead?: boolean;
}

/** Rows of MPNet's table of relative attention bias. */
const RELATIVE_BUCKETS = 32;

/** Longest text of a tiny backbone in tokens. */
export const TINY_POSITIONS = 256;

export function makeTinyBackbone(options: TinyBackboneOptions = {}): BackboneFiles {
  const { family = "bert", layers = 2, width = 32, heads = 4, feedForward = 64, seed = 1 } = options;
  const { maskHead = false } = options;
  const tokenizer = TOKENIZERS[family]();
  const vocabulary = countTokens(tokenizer);
  const positionRows = family === "bert" ? TINY_POSITIONS : TINY_POSITIONS + 2;
  const model = { bert: "Bert", roberta: "Roberta", mpnet: "MPNet" }[family];
  const config = {
    architectures: [`${model}${maskHead ? "ForMaskedLM" : "Model"}`],
    model_type: family,
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: feedForward,
    vocab_size: vocabulary,
    max_position_embeddings: positionRows,
    ...(family === "mpnet" ? {} : { type_vocab_size: family === "bert" ? 2 : 1 }),
    pad_token_id: family === "bert" ? 0 : 1,
    layer_norm_eps: family === "bert" ? 1e-12 : 1e-5,
    hidden_act: "gelu",
    ...(family === "mpnet"
      ? { relative_attention_num_buckets: RELATIVE_BUCKETS }
      : { position_embedding_type: "absolute" }),
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  };
  const sizes = { family, layers, width, heads, feedForward, vocabulary, positionRows };
  const random = createRandom(seed);
  const weights = makeWeights(maskHead || family === "roberta" ? `${family}.` : "", sizes, random);
  if (maskHead) addMaskHead(weights, sizes, random);
  return { config: toBytes(config), weights: serializeSafetensors(weights), tokenizer: toBytes(tokenizer) };
}

/** The three files under the names a Hugging Face folder has. */
export async function writeTinyBackbone(folder: string, options: TinyBackboneOptions = {}): Promise<void> {
  const files = makeTinyBackbone(options);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), files.config);
  await writeFile(join(folder, "model.safetensors"), files.weights);
  await writeFile(join(folder, "tokenizer.json"), files.tokenizer);
}

const TOKENIZERS = {
  bert: makeWordPieceTokenizer,
  roberta: makeByteLevelTokenizer,
  mpnet: makeMpnetTokenizer,
};

interface Sizes {
  readonly family: TinyFamily;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly positionRows: number;
}

const BERT_ATTENTION = {
  linears: ["self.query", "self.key", "self.value", "output.dense"],
  norm: "output.LayerNorm",
};
const ATTENTION_NAMES = {
  bert: BERT_ATTENTION,
  roberta: BERT_ATTENTION,
  mpnet: { linears: ["attn.q", "attn.k", "attn.v", "attn.o"], norm: "LayerNorm" },
};

function makeWeights(prefix: string, sizes: Sizes, random: Random): Map<string, TensorToWrite> {
  const { family, layers, width, feedForward } = sizes;
  const tensors = new Map<string, TensorToWrite>();
  const { add, addLinear, addNorm } = drawInto(tensors, prefix, { width, random });
  add("embeddings.word_embeddings.weight", [sizes.vocabulary, width], 1);
  add("embeddings.position_embeddings.weight", [sizes.positionRows, width], 0.2);
  if (family === "mpnet") add("encoder.relative_attention_bias.weight", [RELATIVE_BUCKETS, sizes.heads], 2);
  else add("embeddings.token_type_embeddings.weight", [family === "bert" ? 2 : 1, width], 0.2);
  addNorm("embeddings.LayerNorm");
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    const attention = ATTENTION_NAMES[family];
    for (const linear of attention.linears) addLinear(`${name}.attention.${linear}`, width, width);
    addNorm(`${name}.attention.${attention.norm}`);
    addLinear(`${name}.intermediate.dense`, width, feedForward);
    addLinear(`${name}.output.dense`, feedForward, width);
    addNorm(`${name}.output.LayerNorm`);
  }
  return tensors;
}

function drawInto(
  tensors: Map<string, TensorToWrite>,
  prefix: string,
  { width, random }: { width: number; random: Random },
) {
  const add = (name: string, shape: readonly number[], deviation: number, mean = 0) => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < values.length; i++) values[i] = mean + deviation * random.normal();
    tensors.set(prefix + name, { dtype: "F32", shape, values });
  };
  const addLinear = (name: string, inWidth: number, outWidth: number) => {
    add(`${name}.weight`, [outWidth, inWidth], 1 / Math.sqrt(inWidth));
    add(`${name}.bias`, [outWidth], 0.05);
  };
  const addNorm = (name: string) => {
    add(`${name}.weight`, [width], 0.1, 1);
    add(`${name}.bias`, [width], 0.1);
  };
  return { add, addLinear, addNorm };
}

/** The decoder is the word embeddings, and not saved a second time. */
function addMaskHead(
  tensors: Map<string, TensorToWrite>,
  { family, width, vocabulary }: Sizes,
  random: Random,
): void {
  const { add, addLinear, addNorm } = drawInto(tensors, "", { width, random });
  const [dense, norm, bias] =
    family === "bert"
      ? (["predictions.transform.dense", "predictions.transform.LayerNorm", "predictions.bias"] as const).map(
          (name) => `cls.${name}`,
        )
      : ["lm_head.dense", "lm_head.layer_norm", "lm_head.bias"];
  addLinear(`${dense}`, width, width);
  addNorm(`${norm}`);
  add(`${bias}`, [vocabulary], 0.3);
}

function countTokens(tokenizer: { model: { vocab: Record<string, number> } }): number {
  return Object.keys(tokenizer.model.vocab).length;
}

function toBytes(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}
