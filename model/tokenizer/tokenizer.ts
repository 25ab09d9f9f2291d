// text → token ids, by @huggingface/tokenizers, with the file's own truncation and padding off.
// Special tokens are added after truncation, so a cut text still ends as the encoder was trained to see it.
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { ModelError } from "../errors.ts";

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

/**
 * tokensMax counts the special tokens. With one token type all type ids are 0. No token's id may reach
 * vocabulary, the rows of the encoder's table: such a token in one text would fail a batch of many.
 * Throws ModelError invalid_backbone when the file cannot be used.
 */
export function createTokenizer(
  tokenizerJson: Uint8Array,
  options: { tokensMax: number; tokenTypes: number; vocabulary?: number },
): Tokenizer {
  const library = openTokenizer(tokenizerJson);
  requireVocabulary(library, options.vocabulary ?? Number.POSITIVE_INFINITY);
  // The special tokens of one text and of a pair: what the post-processor adds to nothing.
  const specials = { single: addSpecials(library, []).length, pair: addSpecials(library, [], []).length };
  if (options.tokensMax <= specials.pair) {
    throw invalid(`${options.tokensMax} tokens leave no room beside ${specials.pair} special tokens`);
  }
  return { encode: (input) => encode(library, input, { ...options, specials }) };
}

interface EncodeOptions {
  readonly tokensMax: number;
  readonly tokenTypes: number;
  readonly specials: { readonly single: number; readonly pair: number };
}

function encode(library: Library, input: TextInput, options: EncodeOptions): Encoding {
  const { tokensMax, tokenTypes, specials } = options;
  const isPair = typeof input !== "string";
  const first = tokenize(library, isPair ? input.text : input);
  const second = isPair ? tokenize(library, input.textPair) : undefined;
  const room = tokensMax - (isPair ? specials.pair : specials.single);
  const kept = second ? sharesOf(first.length, second.length, room) : { first: room, second: 0 };
  const truncated = first.length > kept.first || (second?.length ?? 0) > kept.second;
  const entries = addSpecials(library, first.slice(0, kept.first), second?.slice(0, kept.second));
  return {
    tokenIds: entries.map(({ id }) => id),
    typeIds: entries.map(({ typeId }) => (tokenTypes > 1 ? typeId : 0)),
    truncated,
  };
}

/** How much of each text stays: the longer one gives first, as Hugging Face's "longest first" does. */
function sharesOf(first: number, second: number, room: number): { first: number; second: number } {
  if (first + second <= room) return { first, second };
  const shorter = Math.min(first, second);
  const half = Math.floor(room / 2);
  // The shorter one is whole when it takes less than half; else both get half, the longer the odd token.
  const shorterKept = Math.min(shorter, half);
  const longerKept = room - shorterKept;
  return first > second
    ? { first: longerKept, second: shorterKept }
    : { first: shorterKept, second: longerKept };
}

/** Half a surrogate pair has no UTF-8 form; it becomes U+FFFD, as every upload over HTTP does. */
function tokenize(library: Library, text: string): string[] {
  return library.tokenizer.tokenize(text.toWellFormed());
}

function addSpecials(library: Library, first: string[], second?: string[]): { id: number; typeId: number }[] {
  const { tokenizer, unknownId } = library;
  const processed: Processed | undefined = tokenizer.post_processor?.(first, second ?? null, true);
  const tokens = processed?.tokens ?? [...first, ...(second ?? [])];
  const typeIds = processed?.token_type_ids ?? [];
  return tokens.map((token, i) => ({
    id: tokenizer.token_to_id(token) ?? unknownId,
    typeId: typeIds[i] ?? 0,
  }));
}

/** The library types a post-processor's result as any. */
interface Processed {
  readonly tokens: readonly string[];
  readonly token_type_ids?: readonly number[];
}

interface Library {
  readonly tokenizer: LibraryTokenizer;
  readonly unknownId: number;
}

function openTokenizer(tokenizerJson: Uint8Array): Library {
  try {
    const json = fileSchema.parse(
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(tokenizerJson)),
    );
    const tokenizer = new LibraryTokenizer({ ...json, truncation: null, padding: null }, {});
    return { tokenizer, unknownId: tokenizer.token_to_id(json.model.unk_token ?? "") ?? 0 };
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

/** What is read here; the library checks the rest. */
const fileSchema = z.looseObject({
  added_tokens: z.array(z.unknown()),
  model: z.looseObject({ type: z.string(), unk_token: z.string().nullish() }),
});

function requireVocabulary({ tokenizer }: Library, vocabulary: number): void {
  for (const [token, id] of tokenizer.get_vocab()) {
    // Ids that no token has are undefined in the library's list.
    if (id < vocabulary || token === undefined) continue;
    throw invalid(`token ${JSON.stringify(token)} has id ${id}, the encoder knows ${vocabulary} tokens`);
  }
}

function invalid(problem: string, cause?: unknown): ModelError {
  return new ModelError(
    "invalid_backbone",
    `The backbone's tokenizer.json cannot be used: ${problem}.`,
    cause,
  );
}
