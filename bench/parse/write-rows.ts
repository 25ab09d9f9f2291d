// A file of made-up labelled texts, as large as is asked for, written piece by piece.
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export const FORMATS = ["csv", "ndjson"] as const;
export type Format = (typeof FORMATS)[number];

const ROWS_PER_PIECE = 1_000;
/** Of the common length of a message to a help desk: 20 to 40. */
const WORDS_MIN = 20;
const WORDS_MORE_MAX = 21;
const WORDS = "please refund the second charge, my parcel never came and nobody answers since monday".split(
  " ",
);

/** Rows are all different; each label has as many as any other, or one more. */
export async function writeRows(
  path: string,
  { format, rows, labels }: { format: Format; rows: number; labels: number },
): Promise<void> {
  const pieces = function* () {
    if (format === "csv") yield "text,label\n";
    for (let from = 0; from < rows; from += ROWS_PER_PIECE) {
      const count = Math.min(ROWS_PER_PIECE, rows - from);
      yield Array.from({ length: count }, (_, index) => lineOf(from + index, { format, labels })).join("");
    }
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
}

function lineOf(row: number, { format, labels }: { format: Format; labels: number }): string {
  const count = WORDS_MIN + (row % WORDS_MORE_MAX);
  const words = Array.from({ length: count }, (_, at) => WORDS[(row + at * at) % WORDS.length]);
  const [text, label] = [`${row} ${words.join(" ")}`, `label ${row % labels}`];
  return format === "csv" ? `"${text}",${label}\n` : `${JSON.stringify({ text, label })}\n`;
}
