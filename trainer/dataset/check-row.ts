// The rules that each row of a dataset keeps by itself, for all formats.
import type { ColumnName, RawRow } from "./columns.ts";
import { LABEL_CHARACTERS_MAX, TEXT_CHARACTERS_MAX } from "./dataset.ts";
import { grouped, quoted, refusal } from "./refuse.ts";

/** Throws TrainerError invalid_dataset. */
export function checkRow({ text, textPair, label, row }: RawRow, file: string): void {
  checkText(text, { file, row, column: "text" });
  if (textPair !== undefined) checkText(textPair, { file, row, column: "text_pair" });
  checkLabel(label.trim(), { file, row, column: "label" });
}

type Cell = { readonly file: string; readonly row: number; readonly column: ColumnName };

function checkText(text: string, at: Cell): void {
  if (text.length > TEXT_CHARACTERS_MAX) {
    const limit = `at most ${grouped(TEXT_CHARACTERS_MAX)} are allowed`;
    throw refusal(at, `the text has ${grouped(text.length)} characters and ${limit}; shorten or divide it`);
  }
  if (text.trim() === "") throw refusal(at, "the text is empty; write one or delete the row");
}

function checkLabel(label: string, at: Cell): void {
  if (label === "") throw refusal(at, "the label is empty; write one or delete the row");
  if (label.length > LABEL_CHARACTERS_MAX) {
    const size = `the label has ${grouped(label.length)} characters and at most ${LABEL_CHARACTERS_MAX} are allowed`;
    throw refusal(at, `${size}; shorten it, or swap the columns if this is a text`);
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(label)) {
    throw refusal(at, `the label ${quoted(label)} contains a control character or line break; remove it`);
  }
}
