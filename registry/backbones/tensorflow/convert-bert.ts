// A TensorFlow Hub module of BERT → the three files of a backbone. The same module gives the same bytes, so
// that they can be pinned.
import { serializeSafetensors, type TensorToWrite, transpose } from "#model";
import type { BackboneFile } from "../catalog.ts";
import { bertNames, type NamePair, VARIABLES_LEFT } from "./bert-names.ts";
import { type BundleTensor, readTensorBundle } from "./tensor-bundle.ts";
import { wordPieceTokenizer } from "./word-piece-tokenizer.ts";

export interface BertModule {
  /** assets/vocab.txt */
  readonly vocabulary: Uint8Array;
  /** variables/variables.index */
  readonly index: Uint8Array;
  /** variables/variables.data-00000-of-00001 */
  readonly data: Uint8Array;
}

/** Width of a head in every BERT that Google published. */
const HEAD_WIDTH = 64;

/** Throws Error saying what is missing, left over or of another shape. */
export function convertBert({ vocabulary, index, data }: BertModule): Record<BackboneFile, Uint8Array> {
  const variables = readTensorBundle(index, data);
  const layers = countLayers(variables);
  const tokenizer = wordPieceTokenizer(new TextDecoder("utf-8", { fatal: true }).decode(vocabulary));
  const names = bertNames(layers);
  requireNothingLeft(variables, names);
  const tensors = new Map(names.map((pair) => [pair.tensor, tensorOf(variables, pair)]));
  return {
    "config.json": toJson(configOf(tensors, layers)),
    "tokenizer.json": toJson(tokenizer),
    "model.safetensors": serializeSafetensors(tensors, { format: "pt" }),
  };
}

function countLayers(variables: ReadonlyMap<string, BundleTensor>): number {
  const numbers = [...variables.keys()].flatMap((name) => /\/layer_(\d{1,3})\//.exec(name)?.[1] ?? []);
  return Math.max(-1, ...numbers.map(Number)) + 1;
}

function requireNothingLeft(variables: ReadonlyMap<string, BundleTensor>, names: readonly NamePair[]): void {
  const known = new Set([...names.map(({ variable }) => variable), ...VARIABLES_LEFT]);
  const other = [...variables.keys()].find((name) => !known.has(name));
  if (other !== undefined) throw new Error(`the bundle holds ${other}, which BERT does not have`);
}

function tensorOf(
  variables: ReadonlyMap<string, BundleTensor>,
  { variable, transposed }: NamePair,
): TensorToWrite {
  const found = variables.get(variable);
  if (!found) throw new Error(`the bundle lacks ${variable}`);
  if (!transposed) return { dtype: "F32", ...found };
  const [rows, columns, ...more] = found.shape;
  if (rows === undefined || columns === undefined || more.length > 0) {
    throw new Error(`${variable} is [${found.shape}], not a matrix`);
  }
  return { dtype: "F32", shape: [columns, rows], values: transpose(found.values, rows, columns) };
}

/** Of the published models, whatever their size. */
function configOf(tensors: ReadonlyMap<string, TensorToWrite>, layers: number): Record<string, unknown> {
  const sizes = (name: string) => tensors.get(name)?.shape ?? [];
  const [words, width = 0] = sizes("bert.embeddings.word_embeddings.weight");
  const [feedForward] = sizes("bert.encoder.layer.0.intermediate.dense.weight");
  return {
    architectures: ["BertForMaskedLM"],
    model_type: "bert",
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: width / HEAD_WIDTH,
    intermediate_size: feedForward,
    vocab_size: words,
    max_position_embeddings: sizes("bert.embeddings.position_embeddings.weight")[0],
    type_vocab_size: sizes("bert.embeddings.token_type_embeddings.weight")[0],
    pad_token_id: 0,
    layer_norm_eps: 1e-12,
    hidden_act: "gelu",
    position_embedding_type: "absolute",
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  };
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
