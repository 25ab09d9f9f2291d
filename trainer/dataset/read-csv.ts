// CSV as in RFC 4180 → rows, by csv-parse. The header tells what separates fields: commas, or semicolons,
// tabs or bars, as spreadsheets of other countries and TSV files have them. Lines may end in CR LF, LF or
// CR; blank lines are passed over.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, type InfoRecord, parse } from "csv-parse";
import { turnTaker } from "../take-turns.ts";
import { type ColumnName, findColumns, type NamesByColumn, type RawRow } from "./columns.ts";
import type { OpenedText, RowCounter } from "./decode-text.ts";
import { type Place, plural, refusal } from "./refuse.ts";
import type { TableOptions, TableRead } from "./table.ts";

/** Two texts and a label at their limits need a quarter of it. */
export const RECORD_BYTES_MAX = 1024 * 1024;
const OVERSIZED = `longer than ${RECORD_BYTES_MAX / 1024} KiB`;
const HEADER_BYTES_READ = 64 * 1024;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

interface Header {
  readonly found: readonly string[];
  readonly names: NamesByColumn;
  readonly indexByColumn: ReadonlyMap<ColumnName, number>;
}

/** Throws TrainerError invalid_dataset, and what onRow throws. */
export async function readCsv(text: OpenedText, options: TableOptions): Promise<TableRead> {
  const { file, onRow } = options;
  refuseJson(text.head, file);
  const pieces = new PiecesOfRecords(text, options.onTurn);
  let header: Header | undefined;
  const onRecord = (fields: string[], { records, empty_lines, bytes }: InfoRecord) => {
    const at = { file, row: records + empty_lines };
    if (bytes >= pieces.end) throw refusal(at, `this row is ${OVERSIZED}; shorten it`);
    if (header) onRow(readRow(fields, header, at));
    else header = readHeader(fields, options, at);
    return null;
  };
  const parser = parse(csvOptions(text, onRecord));
  parser.resume();
  try {
    await pipeline(Readable.from(pieces.read(), { objectMode: false }), parser);
  } catch (cause) {
    throw cause instanceof CsvError ? explainQuoting(cause, file, header) : cause;
  }
  if (!header) throw refusal({ file }, 'the file is empty; give it a header "text,label" and examples');
  return header;
}

/** In CSV such a start would be a misplaced quote, and advice about quotes would not help. */
export function refuseJson(utf8: Buffer, file: string): void {
  const [, opening] = /^\s*([[{])[\s{[]*"/.exec(utf8.toString("latin1", 0, 100)) ?? [];
  if (opening === undefined) return;
  const what = opening === "{" ? "this looks like JSON lines" : "this looks like a JSON array";
  const remedy = 'write one {"text": …, "label": …} a line and end the file name in .ndjson';
  throw refusal({ file, row: 1 }, `${what}, not CSV; ${remedy}`);
}

function csvOptions(
  { head, hasCarriageReturn }: OpenedText,
  onRecord: (fields: string[], info: InfoRecord) => null,
) {
  return {
    delimiter: delimiterOf(head),
    // Fewer delimiters to compare with every byte make the common file faster.
    record_delimiter: hasCarriageReturn ? ["\r\n", "\n", "\r"] : ["\n"],
    relax_column_count: true,
    skip_empty_lines: true,
    on_record: onRecord,
  };
}

/** The first that the header has outside quotes; a comma where it has none. */
export function delimiterOf(utf8: Buffer): string {
  const [header = ""] = /^\s*[^\r\n]*/.exec(utf8.toString("utf8", 0, HEADER_BYTES_READ)) ?? [];
  const unquoted = header.replaceAll(/"[^"]*"/g, "");
  return [",", ";", "\t", "|"].find((character) => unquoted.includes(character)) ?? ",";
}

/**
 * The bytes piece by piece, up to a record too long to be an example: they end within that one. It bounds
 * the fields of a record, and a quote that is never closed swallows no more than this.
 */
class PiecesOfRecords {
  readonly #text: OpenedText;
  readonly #onTurn: TableOptions["onTurn"];
  #recordStart = 0;
  #isQuoted = false;
  /** Where they end before the file does. */
  end = Number.POSITIVE_INFINITY;

  constructor(text: OpenedText, onTurn: TableOptions["onTurn"]) {
    this.#text = text;
    this.#onTurn = onTurn;
  }

  async *read(): AsyncGenerator<Buffer> {
    const takeTurns = turnTaker();
    let from = 0;
    for await (const piece of this.#text.pieces()) {
      this.#scan(piece, from);
      const taken = piece.subarray(0, Math.min(piece.length, this.end - from));
      if (taken.length > 0) yield taken;
      if (this.end < Number.POSITIVE_INFINITY) return;
      from += piece.length;
      await takeTurns(piece.length);
      await this.#onTurn?.();
    }
  }

  #scan(piece: Buffer, from: number): void {
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      const index = from + at;
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted;
      else if (!this.#isQuoted && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) {
        this.#recordStart = index + 1;
      }
      if (index - this.#recordStart >= RECORD_BYTES_MAX) {
        this.end = index;
        return;
      }
    }
  }
}

function readHeader(fields: readonly string[], { columns }: TableOptions, at: Place): Header {
  const found = fields.map((name) => name.trim());
  const names = findColumns(found, columns, at);
  const indexByColumn = new Map([...names].map(([column, name]) => [column, found.indexOf(name)]));
  return { found, names, indexByColumn };
}

function readRow(fields: readonly string[], header: Header, at: { file: string; row: number }): RawRow {
  if (fields.length !== header.found.length) {
    const counts = `${plural(fields.length, "field")} where the header has ${header.found.length}`;
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
export function explainQuoting(cause: CsvError, file: string, header: Pick<Header, "found"> | undefined) {
  const row = Number(cause.records) + Number(cause.empty_lines) + 1;
  const index = Number(cause.column);
  const at = { file, row, column: header?.found[index] ?? String(index + 1) };
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

/** Line ends within quotes do not count. */
export class CsvRowCounter implements RowCounter {
  row = 1;
  #isQuoted = false;
  #isAfterReturn = false;

  add(bytes: Buffer): void {
    for (const byte of bytes) {
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted;
      const ends = byte === CARRIAGE_RETURN || (byte === LINE_FEED && !this.#isAfterReturn);
      if (ends && !this.#isQuoted) this.row += 1;
      this.#isAfterReturn = byte === CARRIAGE_RETURN;
    }
  }
}
