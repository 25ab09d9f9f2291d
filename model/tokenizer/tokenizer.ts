// text → token ids, by @huggingface/tokenizers, with the file's own truncation and padding off.
// Special tokens are added after truncation, so a cut text still ends as the encoder was trained to see it.
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { ModelError } from "../errors.ts";
import { isPairTemplate, parseTemplate, type TemplateMark, type TemplatePart } from "../template.ts";

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
  /** Index of the template's mask among the tokens; absent without a template. */
  readonly maskAt?: number;
}

export interface Tokenizer {
  /**
   * With a template (model/template.ts), its words and mask stand around the text, whole whatever the text's
   * length, all of the first type; a pair that the template has one place for is read as one text. Throws
   * ModelError invalid_adapter for a template that is none or leaves no room, unsupported_backbone where the
   * tokenizer knows no mask.
   */
  encode(input: TextInput, template?: string): Encoding;
  /** Ids of some words as they stand within a sentence, without special tokens; may be empty. */
  wordIds(words: string): number[];
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
  const encodeOptions = { ...options, specials };
  return {
    encode: (input, template) =>
      template === undefined
        ? encode(library, input, encodeOptions)
        : encodeTemplate(library, { input, template }, encodeOptions),
    wordIds: (words) => tokenize(library, ` ${words}`).map((token) => idOf(library, token)),
  };
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

/** The template around the texts, of which as much is cut as the whole is too long. */
function encodeTemplate(
  library: Library,
  { input, template }: { input: TextInput; template: string },
  { tokensMax, specials }: EncodeOptions,
): Encoding {
  const { maskToken } = library;
  if (maskToken === undefined) throw withoutMask();
  const pieces = templatePieces(library, { input, template, maskToken });
  const whole = countTokens(pieces);
  const fixed = countTokens(pieces.filter(({ mark }) => mark === "words" || mark === "mask"));
  const room = tokensMax - specials.single - fixed;
  // Half a text at least: what is left of it must be worth reading.
  if (room < tokensMax / 2) throw invalidTemplate("its words leave less than half of the tokens to the text");
  const cut = cutTexts(pieces, room);
  const mask = cut.findIndex(({ mark }) => mark === "mask");
  const tokens = cut.flatMap((piece) => piece.tokens);
  const entries = addSpecials(library, tokens);
  return {
    tokenIds: entries.map(({ id }) => id),
    typeIds: entries.map(() => 0),
    truncated: tokens.length < whole,
    maskAt: leadingSpecials(library, maskToken) + countTokens(cut.slice(0, mask)),
  };
}

interface TemplatePiece {
  readonly mark: TemplatePart["mark"];
  readonly tokens: readonly string[];
}

function templatePieces(
  library: Library,
  { input, template, maskToken }: { input: TextInput; template: string; maskToken: string },
): TemplatePiece[] {
  const { text, textPair } = textsOf(input, template);
  return partsOfTemplate(template).map(({ mark, words, spaced }) => {
    if (mark === "mask") return { mark, tokens: [maskToken] };
    const content = mark === "words" ? words : mark === "text" ? text : textPair;
    return { mark, tokens: tokenize(library, spaced ? ` ${content}` : content) };
  });
}

/** The texts in so much room; words and mask as they are. */
function cutTexts(pieces: readonly TemplatePiece[], room: number): TemplatePiece[] {
  const lengthOf = (wanted: TemplateMark) => countTokens(pieces.filter(({ mark }) => mark === wanted));
  const { first, second } = sharesOf(lengthOf("text"), lengthOf("text_pair"), room);
  const kept = { text: first, text_pair: second, mask: 1, words: Number.POSITIVE_INFINITY };
  return pieces.map(({ mark, tokens }) => ({ mark, tokens: tokens.slice(0, kept[mark]) }));
}

function countTokens(pieces: readonly TemplatePiece[]): number {
  return pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

function partsOfTemplate(template: string): TemplatePart[] {
  try {
    return parseTemplate(template);
  } catch (error) {
    if (error instanceof RangeError) throw invalidTemplate(error.message, error);
    throw error;
  }
}

function textsOf(input: TextInput, template: string): TextPair {
  if (typeof input === "string") return { text: input, textPair: "" };
  return isPairTemplate(template) ? input : { text: `${input.text} ${input.textPair}`, textPair: "" };
}

/** Special tokens that stand before a text. */
function leadingSpecials(library: Library, token: string): number {
  const id = idOf(library, token);
  return addSpecials(library, [token]).findIndex((entry) => entry.id === id);
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
  const { tokenizer } = library;
  const processed: Processed | undefined = tokenizer.post_processor?.(first, second ?? null, true);
  const tokens = processed?.tokens ?? [...first, ...(second ?? [])];
  const typeIds = processed?.token_type_ids ?? [];
  return tokens.map((token, i) => ({ id: idOf(library, token), typeId: typeIds[i] ?? 0 }));
}

function idOf({ tokenizer, unknownId }: Library, token: string): number {
  return tokenizer.token_to_id(token) ?? unknownId;
}

/** The library types a post-processor's result as any. */
interface Processed {
  readonly tokens: readonly string[];
  readonly token_type_ids?: readonly number[];
}

interface Library {
  readonly tokenizer: LibraryTokenizer;
  readonly unknownId: number;
  /** Of the families that are read; absent where the file adds none. */
  readonly maskToken: string | undefined;
}

const MASK_TOKENS = ["[MASK]", "<mask>"];

function openTokenizer(tokenizerJson: Uint8Array): Library {
  try {
    const json = fileSchema.parse(
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(tokenizerJson)),
    );
    const tokenizer = new LibraryTokenizer({ ...json, truncation: null, padding: null }, {});
    const added = json.added_tokens.map(({ content }) => content);
    return {
      tokenizer,
      unknownId: tokenizer.token_to_id(json.model.unk_token ?? "") ?? 0,
      maskToken: MASK_TOKENS.find((token) => added.includes(token)),
    };
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

/** What is read here; the library checks the rest. */
const fileSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ content: z.string() })),
  model: z.looseObject({ type: z.string(), unk_token: z.string().nullish() }),
});

function requireVocabulary({ tokenizer }: Library, vocabulary: number): void {
  for (const [token, id] of tokenizer.get_vocab()) {
    // Ids that no token has are undefined in the library's list.
    if (id < vocabulary || token === undefined) continue;
    throw invalid(`token ${JSON.stringify(token)} has id ${id}, the encoder knows ${vocabulary} tokens`);
  }
}

function withoutMask(): ModelError {
  return new ModelError(
    "unsupported_backbone",
    `The backbone's tokenizer.json has no mask token (${MASK_TOKENS.join(" or ")}), which templates need.`,
  );
}

function invalidTemplate(problem: string, cause?: unknown): ModelError {
  return new ModelError(
    "invalid_adapter",
    `Invalid adapter: its template cannot be used: ${problem}.`,
    cause,
  );
}

function invalid(problem: string, cause?: unknown): ModelError {
  return new ModelError(
    "invalid_backbone",
    `The backbone's tokenizer.json cannot be used: ${problem}.`,
    cause,
  );
}
