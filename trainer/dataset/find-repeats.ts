// Rows whose texts are those of an earlier row, to the letter or in their words. Of each row an index is kept,
// and 16 bytes to know it again, so that a million rows take little.
import { hash } from "node:crypto";
import type { TextInput } from "#model";
import type { RawRow } from "./columns.ts";

export type Texts = Pick<RawRow, "text" | "textPair">;

/** As many entries as rows at most: DATASET_ROWS_MAX. */
export class FirstRows {
  readonly #indexByDigest = new Map<string, number>();

  /** The index of the first row of these texts; undefined where that is this row, which is kept as `index`. */
  find(texts: Texts, index: number): number | undefined {
    const digest = textsDigestOf(texts);
    const first = this.#indexByDigest.get(digest);
    if (first === undefined) this.#indexByDigest.set(digest, index);
    return first;
  }
}

/**
 * Of each input the index of the first that has the same words, its own where none before does. What differs in
 * case, spaces and punctuation alone is the same.
 */
export function firstRowsOf(inputs: readonly TextInput[]): number[] {
  const first = new FirstRows();
  return inputs.map((input, index) => {
    const texts: Texts =
      typeof input === "string"
        ? { text: input, textPair: undefined }
        : { text: input.text, textPair: input.textPair };
    return first.find(wordsOf(texts) ?? texts, index) ?? index;
  });
}

/** Longer texts are compared to the letter alone: reading their words would take as long as all else. */
const WORDS_CHARACTERS_MAX = 2_000;

/**
 * Letters and digits, in lower case, one space between words. Undefined where there is nothing to compare: the
 * text has no words, or one of the texts is longer than is compared.
 */
export function wordsOf({ text, textPair }: Texts): Texts | undefined {
  if (text.length > WORDS_CHARACTERS_MAX) return undefined;
  if (textPair !== undefined && textPair.length > WORDS_CHARACTERS_MAX) return undefined;
  const words = readWords(text);
  if (words === "") return undefined;
  return { text: words, textPair: textPair === undefined ? undefined : readWords(textPair) };
}

function readWords(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

/** The first half of the sha256, one character a byte. */
const DIGEST_BYTES = 16;

/**
 * Not the text itself: V8 hashes a string longer than 16,383 characters by its length alone, so a Map with
 * many such keys compares each with all others.
 */
export function textsDigestOf({ text, textPair }: Texts): string {
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  const input = textPair === undefined ? text : `${text.length} ${text}${textPair}`;
  return hash("sha256", input, "buffer").toString("latin1", 0, DIGEST_BYTES);
}
