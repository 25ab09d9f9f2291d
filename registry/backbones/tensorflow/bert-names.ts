// The one table of how BERT's variables in TensorFlow are called as Hugging Face's transformers call them.

export interface NamePair {
  /** As the bundle has it. */
  readonly variable: string;
  /** As model.safetensors has it. */
  readonly tensor: string;
  /** TensorFlow keeps linear weights as [in, out], torch as [out, in]. */
  readonly transposed: boolean;
}

/** What stands before the names of a TensorFlow Hub module. */
const MODULE = "module/";

/** Shared parts, then those of each layer. */
const EMBEDDINGS = [
  ["bert/embeddings/word_embeddings", "bert.embeddings.word_embeddings.weight"],
  ["bert/embeddings/position_embeddings", "bert.embeddings.position_embeddings.weight"],
  ["bert/embeddings/token_type_embeddings", "bert.embeddings.token_type_embeddings.weight"],
] as const;
const NORMS = [
  ["bert/embeddings/LayerNorm", "bert.embeddings.LayerNorm"],
  ["cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm"],
] as const;
const LINEARS = [["cls/predictions/transform/dense", "cls.predictions.transform.dense"]] as const;
const BIASES = [["cls/predictions/output_bias", "cls.predictions.bias"]] as const;
const LAYER_NORMS = [
  ["attention/output/LayerNorm", "attention.output.LayerNorm"],
  ["output/LayerNorm", "output.LayerNorm"],
] as const;
const LAYER_LINEARS = [
  ["attention/self/query", "attention.self.query"],
  ["attention/self/key", "attention.self.key"],
  ["attention/self/value", "attention.self.value"],
  ["attention/output/dense", "attention.output.dense"],
  ["intermediate/dense", "intermediate.dense"],
  ["output/dense", "output.dense"],
] as const;

/** In the bundle and not taken: what reads the first token, which no part of this project does. */
export const VARIABLES_LEFT = [`${MODULE}bert/pooler/dense/kernel`, `${MODULE}bert/pooler/dense/bias`];

/** Of a BERT of so many layers with its masked-language-model head; the decoder is the word embeddings. */
export function bertNames(layers: number): NamePair[] {
  const plain = [...EMBEDDINGS, ...BIASES].map(([variable, tensor]) => pairOf(variable, tensor));
  const shared = [...plain, ...NORMS.flatMap(normPairs), ...LINEARS.flatMap(linearPairs)];
  const ofLayer = (layer: number) => {
    const inLayer = ([variable, tensor]: readonly [string, string]) =>
      [`bert/encoder/layer_${layer}/${variable}`, `bert.encoder.layer.${layer}.${tensor}`] as const;
    return [
      ...LAYER_LINEARS.map(inLayer).flatMap(linearPairs),
      ...LAYER_NORMS.map(inLayer).flatMap(normPairs),
    ];
  };
  return [...shared, ...Array.from({ length: layers }, (_, layer) => ofLayer(layer)).flat()];
}

function linearPairs([variable, tensor]: readonly [string, string]): NamePair[] {
  return [
    { ...pairOf(`${variable}/kernel`, `${tensor}.weight`), transposed: true },
    pairOf(`${variable}/bias`, `${tensor}.bias`),
  ];
}

function normPairs([variable, tensor]: readonly [string, string]): NamePair[] {
  return [pairOf(`${variable}/gamma`, `${tensor}.weight`), pairOf(`${variable}/beta`, `${tensor}.bias`)];
}

function pairOf(variable: string, tensor: string): NamePair {
  return { variable: MODULE + variable, tensor, transposed: false };
}
