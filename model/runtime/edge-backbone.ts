// A backbone as the edge reads it, where memory is short: the serving graph and its int8 weights apart, and the word
// embeddings, most of a small backbone, as half floats outside of the graph. Parsing only; write-edge-backbone.ts writes.
import { z } from "zod";
import { parseTokenizer } from "../backbone.ts";
import { type EncoderConfig, parseEncoderConfig } from "../encoder/config.ts";
import { ModelError } from "../errors.ts";
import type { ClassifierBackbone } from "./classifier.ts";
import { NORMS_FILE, parseNorms } from "./norms-file.ts";

/** To be raised when the graph or a file's form changes: a test compares. */
export const EDGE_BACKBONE_VERSION = "2";

/** words.bin: [V, D] half floats, little-endian. */
type EdgeFile =
  | "graph.onnx"
  | "weights.bin"
  | "words.bin"
  | typeof NORMS_FILE
  | "config.json"
  | "tokenizer.json";
export type EdgeFiles = Readonly<Record<EdgeFile, Uint8Array>>;

/** As it was kept: what the files and facts hold is looked at. */
export interface EdgeSource {
  readonly id: string;
  /** Of the backbone that it was written from. */
  readonly digest: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const factsSchema = z.object({
  edgeVersion: z.literal(EDGE_BACKBONE_VERSION),
  pooling: z.enum(["mean", "first", "mask"] satisfies EncoderConfig["pooling"][]),
  int8Digest: z.string(),
});
export type EdgeFacts = z.infer<typeof factsSchema>;

export interface EdgeBackbone extends ClassifierBackbone {
  /** Of the encoder in int8: the same as on every other host. */
  readonly int8Digest: string;
  readonly graph: Uint8Array;
  /** What the graph's weights are read from. */
  readonly graphWeights: Uint8Array;
  readonly words_VD: Float16Array;
}

/** Throws ModelError invalid_backbone, unsupported_backbone, invalid_safetensors. */
export function parseEdgeBackbone({ id, digest, facts: given, files }: EdgeSource): EdgeBackbone {
  const facts = factsSchema.safeParse(given).data;
  if (!facts) throw invalid(id, "it was written by another version of Softgate");
  const read = (name: EdgeFile): Uint8Array => {
    const file = files[name];
    if (!file) throw invalid(id, `${name} is missing`);
    return file;
  };
  const config = { ...parseEncoderConfig(read("config.json")), pooling: facts.pooling };
  return {
    ...{ id, digest, config, int8Digest: facts.int8Digest },
    tokenizer: parseTokenizer(read("tokenizer.json"), config),
    weights: { layers: parseNorms(read(NORMS_FILE), config.layers) },
    graph: read("graph.onnx"),
    graphWeights: read("weights.bin"),
    words_VD: parseWords(id, read("words.bin"), config),
  };
}

function parseWords(id: string, file: Uint8Array, { vocabulary, width }: EncoderConfig): Float16Array {
  const bytes = vocabulary * width * Float16Array.BYTES_PER_ELEMENT;
  if (file.byteLength === bytes) return new Float16Array(file.buffer, file.byteOffset, vocabulary * width);
  throw invalid(
    id,
    `words.bin has ${file.byteLength} bytes, and ${vocabulary} words of width ${width} have ${bytes}`,
  );
}

function invalid(id: string, problem: string): ModelError {
  return new ModelError(
    "invalid_backbone",
    `Of backbone ${id} for the edge: ${problem}. Put it into the store again: softgate backbone put ${id} --store URL`,
  );
}
