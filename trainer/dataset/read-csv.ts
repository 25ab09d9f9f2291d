// CSV as in RFC 4180 → rows, by csv-parse. The header tells what separates fields: commas, or semicolons,
// tabs or bars, as spreadsheets of other countries and TSV files have them. Lines may end in CR LF, LF or
// CR; blank lines are passed over.
import { CsvError, type InfoRecord, parse } from "csv-parse/sync";
import {
  type ColumnName,
  findColumns,
  type NamesByColumn,
  type RawRow,
  type RawTable,
  requireRowsWithin,
  warnColumns,
} from "./columns.ts";
import { plural, refusal } from "./refuse.ts";

/** Two texts and a label at their limits need a quarter of it. */
const RECORD_BYTES_MAX = 1024 * 1024;
const OVERSIZED = `longer than ${RECORD_BYTES_MAX / 1024} KiB`;
const HEADER_BYTES_READ = 64 * 1024;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

interface Header {
  readonly names: readonly string[];
  readonly columns: NamesByColumn;
  readonly indexByColumn: ReadonlyMap<ColumnName, number>;
}

/** Throws TrainerError invalid_dataset or dataset_too_large. */
export function readCsv(utf8: Buffer, file: string): RawTable {
  refuseJson(utf8, file);
  const rows: RawRow[] = [];
  let header: Header | undefined;
  const cut = endOfOversizedRecord(utf8);
  const onRecord = (fields: string[], { records, empty_lines, bytes }: InfoRecord) => {
    const row = records + empty_lines;
    if (cut !== undefined && bytes >= cut)
      throw refusal({ file, row }, `this row is ${OVERSIZED}; shorten it`);
    if (!header) header = readHeader(fields, file, row);
    else rows.push(readRow(fields, header, { file, row }));
    requireRowsWithin(rows.length, { file, row });
    return null;
  };
  try {
    parse(utf8.subarray(0, cut), csvOptions(utf8, onRecord));
  } catch (cause) {
    throw cause instanceof CsvError ? explainQuoting(cause, file, header) : cause;
  }
  if (!header) throw refusal({ file }, 'the file is empty; give it a header "text,label" and examples');
  return { rows, warnings: warnColumns(header.names, header.columns) };
}

/** In CSV such a start would be a misplaced quote, and advice about quotes would not help. */
function refuseJson(utf8: Buffer, file: string): void {
  const [, opening] = /^\s*([[{])[\s{[]*"/.exec(utf8.toString("latin1", 0, 100)) ?? [];
  if (opening === undefined) return;
  const what = opening === "{" ? "this looks like JSON lines" : "this looks like a JSON array";
  const remedy = 'write one {"text": …, "label": …} a line and end the file name in .ndjson';
  throw refusal({ file, row: 1 }, `${what}, not CSV; ${remedy}`);
}

function csvOptions(utf8: Buffer, onRecord: (fields: string[], info: InfoRecord) => null) {
  // Fewer delimiters to compare with every byte make the common file faster.
  const hasCarriageReturn = utf8.includes("\r");
  return {
    delimiter: delimiterOf(utf8),
    record_delimiter: hasCarriageReturn ? ["\r\n", "\n", "\r"] : ["\n"],
    relax_column_count: true,
    skip_empty_lines: true,
    on_record: onRecord,
  };
}

/** The first that the header has outside quotes; a comma where it has none. */
function delimiterOf(utf8: Buffer): string {
  const [header = ""] = /^\s*[^\r\n]*/.exec(utf8.toString("utf8", 0, HEADER_BYTES_READ)) ?? [];
  const unquoted = header.replaceAll(/"[^"]*"/g, "");
  return [",", ";", "\t", "|"].find((character) => unquoted.includes(character)) ?? ",";
}

/**
 * Where to stop reading a file with a record too long to be an example: within that record. It bounds the
 * fields of a record, and a quote that is never closed swallows no more than this.
 */
function endOfOversizedRecord(utf8: Buffer): number | undefined {
  let start = 0;
  let isQuoted = false;
  for (let index = 0; index < utf8.length; index++) {
    const byte = utf8[index];
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) start = index + 1;
    if (index - start >= RECORD_BYTES_MAX) return index;
  }
  return undefined;
}

function readHeader(fields: readonly string[], file: string, row: number): Header {
  const names = fields.map((name) => name.trim());
  const columns = findColumns(names, { file, row });
  const indexByColumn = new Map([...columns].map(([column, name]) => [column, names.indexOf(name)]));
  return { names, columns, indexByColumn };
}

function readRow(fields: readonly string[], header: Header, at: { file: string; row: number }): RawRow {
  if (fields.length !== header.names.length) {
    const counts = `${plural(fields.length, "field")} where the header has ${header.names.length}`;
    throw refusal(at, `${counts}; put a text that contains separators or line breaks in double quotes`);
  }
  const field = (column: ColumnName) => {
    const index = header.indexByColumn.get(column);
    return index === undefined ? undefined : fields[index];
  };
  return {
    text: field("text") ?? "",
    textPair: field("text_pair"),
    label: field("label") ?? "",
    row: at.row,
  };
}

/** The error names the field in which the quote opened, even when the trouble shows many lines below. */
function explainQuoting(cause: CsvError, file: string, header: Header | undefined) {
  const row = Number(cause.records) + Number(cause.empty_lines) + 1;
  const index = Number(cause.column);
  const at = { file, row, column: header?.names[index] ?? String(index + 1) };
  switch (cause.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return refusal(
        at,
        'the double quote that opens here is never closed, or far below; close it, or write "" for a quote',
        cause,
      );
    case "INVALID_OPENING_QUOTE":
      return refusal(
        at,
        'a double quote inside an unquoted field; quote the whole field and write "" for it',
        cause,
      );
    default:
      return refusal(
        at,
        'the quote that opens here ends inside the field; write "" for a quote in a text',
        cause,
      );
  }
}

/** The row of a byte: line ends within quotes do not count. */
export function csvRowOf(bytes: Buffer, offset: number): number {
  let row = 1;
  let isQuoted = false;
  for (let index = 0; index < offset; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (
      !isQuoted &&
      (byte === LINE_FEED || (byte === CARRIAGE_RETURN && bytes[index + 1] !== LINE_FEED))
    )
      row++;
  }
  return row;
}
