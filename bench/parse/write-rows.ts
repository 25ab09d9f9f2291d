// A file of made-up labelled texts, as large as is asked for, written piece by piece.
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export const FORMATS = ["csv", "ndjson"] as const;
export type Format = (typeof FORMATS)[number];

const ROWS_PER_PIECE = 1_000;
const WORDS = "please refund the second charge, my parcel never came and nobody answers since monday".split(
  " ",
);

/** Rows are all different, of `words` to twice as many words; each label has as many as any other, or one more. */
export async function writeRows(
  path: string,
  { format, rows, ...line }: { format: Format; rows: number; labels: number; words: number },
): Promise<void> {
  const pieces = function* () {
    if (format === "csv") yield "text,label\n";
    for (let from = 0; from < rows; from += ROWS_PER_PIECE) {
      const count = Math.min(ROWS_PER_PIECE, rows - from);
      yield Array.from({ length: count }, (_, index) => lineOf(from + index, { format, ...line })).join("");
    }
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
}

function lineOf(
  row: number,
  { format, labels, words }: { format: Format; labels: number; words: number },
): string {
  const count = words + (row % (words + 1));
  const some = Array.from({ length: count }, (_, at) => WORDS[(row + at * at) % WORDS.length]);
  const [text, label] = [`${row} ${some.join(" ")}`, `label ${row % labels}`];
  return format === "csv" ? `"${text}",${label}\n` : `${JSON.stringify({ text, label })}\n`;
}
