// A frozen backbone in memory: configuration, weights, tokenizer and the digest adapters are bound to.
import type { EncoderConfig } from "./encoder/config.ts";
import type { EncoderWeights } from "./encoder/weights.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

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

export declare function parseBackbone(id: string, files: BackboneFiles): Backbone;
