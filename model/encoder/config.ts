// The part of a backbone's config.json that the encoder needs, for the BERT and RoBERTa families.

export interface EncoderConfig {
  readonly family: "bert" | "roberta";
  /** D, N, H, F, V. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Largest number of tokens of one text, specials included. */
  readonly positions: number;
  /** Position id of a text's first token: 0 (BERT), padding id + 1 (RoBERTa). */
  readonly positionOffset: number;
  /** Rows of the token type table, 1 or 2. */
  readonly tokenTypes: number;
  readonly normEpsilon: number;
  readonly activation: "gelu" | "gelu_tanh" | "relu";
  /** How a text's token states become one vector. */
  readonly pooling: "mean" | "first";
}

/** Parsed strictly with zod from config.json's bytes. Throws ModelError unsupported_backbone / invalid_backbone. */
export declare function parseEncoderConfig(bytes: Uint8Array): EncoderConfig;
