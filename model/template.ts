// A template puts a text, or a pair, into a sentence with a blank, for backbones that predict the word at a
// mask: "{text} It was {mask} ." (pattern-exploiting training, Schick & Schütze 2021; LM-BFF, Gao et al. 2021).
// Plain text with marks; the mask's own spelling ("[MASK]", "<mask>") is the backbone's matter.
import type { z } from "zod";

export const TEMPLATE_CHARACTERS_MAX = 200;

/** What adapters are trained with unless told otherwise; those of LM-BFF for sentiment and for entailment. */
export const DEFAULT_TEMPLATES = {
  single: "{text} It was {mask} .",
  pair: "{text} ? {mask} , {text_pair}",
} as const;

export type TemplateMark = "text" | "text_pair" | "mask";

export interface TemplatePart {
  readonly mark: TemplateMark | "words";
  /** The words of "words", without the space at their end; else "". */
  readonly words: string;
  /** Whether a space stands before it: to byte-level tokenizers a part of the next word. */
  readonly spaced: boolean;
}

const MARKS = /\{(text|text_pair|mask)\}/;

/**
 * The parts in order. Exactly one {text} and one {mask}, at most one {text_pair}, no other braces, and no mask
 * by its own name. Throws RangeError saying which of these is not so.
 */
export function parseTemplate(template: string): TemplatePart[] {
  if (template.length > TEMPLATE_CHARACTERS_MAX) {
    throw new RangeError(`a template has at most ${TEMPLATE_CHARACTERS_MAX} characters`);
  }
  const pieces = template.split(MARKS);
  const marks = pieces.filter((_, index) => index % 2 === 1);
  const words = pieces.filter((_, index) => index % 2 === 0);
  const count = (mark: TemplateMark) => marks.filter((found) => found === mark).length;
  if (count("text") !== 1) throw new RangeError("a template has {text} exactly once");
  if (count("mask") !== 1) throw new RangeError("a template has {mask} exactly once");
  if (count("text_pair") > 1) throw new RangeError("a template has {text_pair} at most once");
  if (words.some((piece) => /[{}]/.test(piece))) {
    throw new RangeError("a template has no braces but {text}, {text_pair} and {mask}");
  }
  if (words.some((piece) => /\[MASK\]|<mask>/i.test(piece))) {
    throw new RangeError("a template names the mask {mask}, whatever the backbone calls it");
  }
  return pieces.flatMap((piece, index) => partsOf(piece, pieces[index - 1] ?? "", index));
}

function partsOf(piece: string, before: string, index: number): TemplatePart[] {
  if (index % 2 === 1) return [{ mark: piece as TemplateMark, words: "", spaced: /\s$/.test(before) }];
  const words = piece.trim();
  return words === "" ? [] : [{ mark: "words", words, spaced: /^\s/.test(piece) }];
}

/** parseTemplate as a check of zod's. */
export function checkTemplate({ value, issues }: z.core.ParsePayload<string>): void {
  try {
    parseTemplate(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    issues.push({ code: "custom", message: error.message, input: value });
  }
}

/** Whether it reads pairs. */
export function isPairTemplate(template: string): boolean {
  return template.includes("{text_pair}");
}
