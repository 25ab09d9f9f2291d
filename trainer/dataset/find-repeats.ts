// Rows whose texts are those of an earlier row, to the letter or in their words.
import { createHash } from "node:crypto";
import type { RawRow } from "./columns.ts";

export interface RowPair {
  readonly first: RawRow;
  readonly second: RawRow;
}

/** Each later row with the first one of the same text, as `read` reads texts; rows that it reads as "" have none. */
export function findRepeats(rows: readonly RawRow[], read: (text: string) => string): RowPair[] {
  const repeats: RowPair[] = [];
  const firstByInput = new Map<string, RawRow>();
  for (const row of rows) {
    const text = read(row.text);
    if (text === "") continue;
    const input = digestOf(text, row.textPair === undefined ? undefined : read(row.textPair));
    const first = firstByInput.get(input);
    if (first) repeats.push({ first, second: row });
    else firstByInput.set(input, row);
  }
  return repeats;
}

/** Longer texts are compared to the letter alone: reading their words would take as long as all else. */
const WORDS_CHARACTERS_MAX = 2_000;

/** Letters and digits, in lower case, one space between words; "" of a text that is longer than is compared. */
export function wordsOf(text: string): string {
  if (text.length > WORDS_CHARACTERS_MAX) return "";
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

/**
 * Not the text itself: V8 hashes a string longer than 16,383 characters by its length alone, so a Map with
 * many such keys compares each with all others.
 */
function digestOf(text: string, textPair: string | undefined): string {
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  const input = textPair === undefined ? text : `${text.length} ${text}${textPair}`;
  return createHash("sha256").update(input).digest("base64");
}
