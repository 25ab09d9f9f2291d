// A CSV or TSV file of any length → its rows, one by one, by csv-parse; as read-csv.ts reads one that is whole in memory.
import { CsvError, type InfoRecord, parse } from "csv-parse";
import { type ColumnName, findColumns, type NamesByColumn } from "./columns.ts";
import type { DatasetColumns } from "./dataset.ts";
import { decodePieces } from "./decode-pieces.ts";
import { delimiterOf, explainQuoting, RECORD_BYTES_MAX, refuseJson } from "./read-csv.ts";
import { plural, quoted, refusal } from "./refuse.ts";
import { type RowSource, STREAMED_COLUMNS, type StreamedRow } from "./streamed-row.ts";

/** Throws TrainerError invalid_dataset, and what reading the file does. */
export async function* streamCsv(source: RowSource): AsyncGenerator<StreamedRow> {
  const { file, columns } = source;
  let header: { readonly found: readonly string[]; readonly names: NamesByColumn } | undefined;
  try {
    for await (const { record, info } of csvRecords(source)) {
      const at = { file, row: info.records + info.empty_lines };
      if (header) yield csvRow(record, header, at);
      else header = readHeader(record, columns, at);
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    if (cause.code === "CSV_MAX_RECORD_SIZE") {
      const row = Number(cause.records) + Number(cause.empty_lines) + 1;
      throw refusal(
        { file, row },
        `this row is longer than ${RECORD_BYTES_MAX / 1024} KiB; shorten it`,
        cause,
      );
    }
    throw explainQuoting(cause, file, header);
  }
  if (!header) throw refusal({ file }, 'the file is empty; give it a header "text" and texts');
}

async function* csvRecords({
  path,
  ...source
}: RowSource): AsyncGenerator<{ record: string[]; info: InfoRecord }> {
  const pieces = decodePieces(path, source);
  const first = await pieces.next();
  const head = first.done ? Buffer.alloc(0) : first.value;
  refuseJson(head, source.file);
  const parser = parse({
    delimiter: delimiterOf(head),
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
    info: true,
  });
  const feeding = feed(parser, head, pieces);
  try {
    yield* parser as AsyncIterable<{ record: string[]; info: InfoRecord }>;
    await feeding;
  } finally {
    parser.destroy();
    await pieces.return(undefined);
  }
}

/** What fails is the parser's failure, for its reader. Resolves always. */
async function feed(
  parser: ReturnType<typeof parse>,
  head: Buffer,
  pieces: AsyncIterable<Buffer>,
): Promise<void> {
  try {
    await writeTo(parser, head);
    for await (const piece of pieces) {
      if (parser.destroyed) return;
      await writeTo(parser, piece);
    }
    parser.end();
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

async function writeTo(parser: ReturnType<typeof parse>, piece: Buffer): Promise<void> {
  if (parser.write(piece)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      for (const event of ["drain", "close", "error"]) parser.off(event, go);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) parser.on(event, go);
  });
}

function readHeader(record: readonly string[], columns: DatasetColumns, at: { file: string; row: number }) {
  const found = record.map((name) => name.trim());
  const twice = found.find((name, index) => found.indexOf(name) !== index);
  if (twice !== undefined) {
    throw refusal(at, `the header names the column ${quoted(twice)} twice; rename one of them`);
  }
  return { found, names: findColumns(found, columns, at, STREAMED_COLUMNS) };
}

function csvRow(
  record: readonly string[],
  { found, names }: { found: readonly string[]; names: NamesByColumn },
  at: { file: string; row: number },
): StreamedRow {
  if (record.length !== found.length) {
    const counts = `${plural(record.length, "field")} where the header has ${found.length}`;
    throw refusal(at, `${counts}; put a text that contains separators or line breaks in double quotes`);
  }
  const values = new Map(found.map((name, index) => [name, record[index] ?? ""]));
  const value = (column: ColumnName) => values.get(names.get(column) ?? "");
  return { row: at.row, text: value("text") ?? "", textPair: value("text_pair"), values };
}
