// text → token ids, by @huggingface/tokenizers, with the file's own truncation and padding off.

export interface TextPair {
  readonly text: string;
  readonly textPair: string;
}

export type TextInput = string | TextPair;

export interface Encoding {
  /** [CLS] … [SEP], at most tokensMax long (longest-first truncation of a pair). */
  readonly tokenIds: readonly number[];
  readonly typeIds: readonly number[];
  readonly truncated: boolean;
}

export interface Tokenizer {
  encode(input: TextInput): Encoding;
}

export declare function createTokenizer(
  tokenizerJson: Uint8Array,
  options: { tokensMax: number; tokenTypes: number },
): Tokenizer;
