// A file of texts without labels → its rows, one by one, with all that stands beside a text: for files of any length that
// are answered, not learned from. None is ever whole in memory; Parquet may unpack to as much as a dataset may have.
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { TrainerError } from "../errors.ts";
import { type ColumnName, findColumns, hasNoPairs, type NamesByColumn } from "./columns.ts";
import { openContent } from "./content.ts";
import { decodePieces } from "./decode-pieces.ts";
import { mediaTypeOfFile } from "./parse.ts";
import { LINE_BYTES_MAX, parseObject, requireString } from "./read-ndjson.ts";
import { openParquet } from "./read-parquet.ts";
import { refusal } from "./refuse.ts";
import { splitLines } from "./split-lines.ts";
import { streamCsv } from "./stream-csv.ts";
import { type RowSource, STREAMED_COLUMNS, type StreamedRow, type StreamOptions } from "./streamed-row.ts";

/**
 * By the file's extension. Throws TrainerError unsupported_media_type, dataset_too_large (of Parquet) or invalid_dataset,
 * which names the row, and what reading the file does.
 */
export function streamRows(path: string, options: StreamOptions): AsyncIterable<StreamedRow> {
  const source = { ...options, path, file: basename(path) };
  switch (mediaTypeOfFile(source.file)) {
    case "text/csv":
      return streamCsv(source);
    case "application/x-ndjson":
      return ndjsonRows(source);
    case "application/vnd.apache.parquet":
      return parquetRows(source);
    case undefined:
      throw new TrainerError(
        "unsupported_media_type",
        `${path}: name the file .csv, .tsv, .ndjson, .jsonl or .parquet.`,
      );
  }
}

async function* ndjsonRows(source: RowSource): AsyncGenerator<StreamedRow> {
  const { file, columns } = source;
  let names: NamesByColumn | undefined;
  for await (const lines of splitLines(decodePieces(source.path, source), LINE_BYTES_MAX)) {
    for (const { number: row, bytes } of lines) {
      const at = { file, row };
      if (!bytes) throw refusal(at, `this line is longer than ${LINE_BYTES_MAX / 1024} KiB; shorten it`);
      const line = Buffer.from(bytes).toString();
      if (line.trim() === "") continue;
      const values = new Map(Object.entries(parseObject(line, at)));
      names ??= findColumns([...values.keys()], columns, at, STREAMED_COLUMNS);
      const value = (column: ColumnName) => {
        const name = names?.get(column);
        return name === undefined
          ? undefined
          : requireString(values.get(name) ?? "", { ...at, column: name });
      };
      const textPair = hasNoPairs(columns) ? undefined : value("text_pair");
      yield { row, text: value("text") ?? "", textPair, values };
    }
  }
  if (!names) throw refusal({ file }, 'the file is empty; write one {"text": …} a line');
}

async function* parquetRows({ path, file, columns, onBytes }: RowSource): AsyncGenerator<StreamedRow> {
  const handle = await open(path);
  try {
    const content = await openContent(handle);
    const { names, rows } = await openParquet(content, { file, columns, wanted: STREAMED_COLUMNS });
    onBytes?.(content.bytes);
    for await (const { row, text, textPair } of rows) {
      const values = new Map(
        [...names].map(([column, name]) => [name, (column === "text" ? text : textPair) ?? ""]),
      );
      yield { row, text, textPair, values };
    }
  } finally {
    await handle.close();
  }
}
