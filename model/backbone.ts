// A frozen backbone in memory: configuration, weights, tokenizer and the digest adapters are bound to.
import { createHash } from "node:crypto";
import { type EncoderConfig, parseEncoderConfig } from "./encoder/config.ts";
import { type EncoderWeights, readEncoderWeights } from "./encoder/weights.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer/tokenizer.ts";

export interface Backbone {
  /** For example "sentence-transformers/all-MiniLM-L6-v2". */
  readonly id: string;
  /** "sha256:" + hex over the digests of its three files, in the order of BackboneFiles. */
  readonly digest: string;
  readonly config: EncoderConfig;
  readonly weights: EncoderWeights;
  readonly tokenizer: Tokenizer;
}

export interface BackboneFiles {
  /** config.json */
  readonly config: Uint8Array;
  /** model.safetensors */
  readonly weights: Uint8Array;
  /** tokenizer.json */
  readonly tokenizer: Uint8Array;
}

/** Longest text in tokens that is encoded; longer ones are cut and reported as truncated. */
export const TEXT_TOKENS_MAX = 256;

/**
 * Weights may be views on files.weights, which must not be written afterwards.
 * Throws ModelError unsupported_backbone, invalid_backbone, invalid_safetensors.
 */
export function parseBackbone(id: string, files: BackboneFiles): Backbone {
  const config = parseEncoderConfig(files.config);
  const weights = readEncoderWeights(files.weights, config);
  return {
    id,
    digest: digestBackbone(files),
    // Not by config.json: encoders tuned for sentences still name the architecture they were pretrained in.
    config: weights.maskHead ? { ...config, pooling: "mask" } : config,
    weights,
    tokenizer: parseTokenizer(files.tokenizer, config),
  };
}

/** tokenizer.json for texts of as many tokens as the encoder reads. Throws ModelError invalid_backbone. */
export function parseTokenizer(file: Uint8Array, config: EncoderConfig): Tokenizer {
  const { positions, tokenTypes, vocabulary } = config;
  const tokensMax = Math.min(TEXT_TOKENS_MAX, positions);
  return createTokenizer(file, { tokensMax, tokenTypes, vocabulary });
}

/** "<name> <sha256 in hex>\n" of each file, in this order, hashed once more. */
function digestBackbone(files: BackboneFiles): string {
  const lines = [
    `config.json ${sha256(files.config)}\n`,
    `model.safetensors ${sha256(files.weights)}\n`,
    `tokenizer.json ${sha256(files.tokenizer)}\n`,
  ];
  return `sha256:${sha256(lines.join(""))}`;
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
