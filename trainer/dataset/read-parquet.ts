// Parquet → rows, of flat columns. Rows count from 1. One page of each column is unpacked at a time; the other
// columns are not read.
import { type FileMetaData, parquetMetadata, parquetSchema, type RowGroup } from "hyparquet";
import { TrainerError } from "../errors.ts";
import { turnTaker } from "../take-turns.ts";
import { type ColumnName, findColumns, type RawRow } from "./columns.ts";
import { DATASET_BYTES_MAX, DATASET_ROWS_MAX } from "./dataset.ts";
import { ParquetColumn } from "./parquet-column.ts";
import { ParquetFault, requireOf } from "./parquet-fault.ts";
import { grouped, type Place, refusal, tooLarge } from "./refuse.ts";
import type { TableOptions, TableRead } from "./table.ts";

const MAGIC = "PAR1";
/** The length of the footer, and the magic behind it. */
const TAIL_BYTES = 8;
/** The footer describes the rest: of ten thousand column chunks in so much. */
const FOOTER_BYTES_MAX = 2 * 1024 * 1024;

/** Throws TrainerError invalid_dataset or dataset_too_large, and what onRow throws. */
export async function readParquet(bytes: Uint8Array, options: TableOptions): Promise<TableRead> {
  const { found, names, rows } = openParquet(bytes, options);
  const takeTurns = turnTaker();
  for (const row of rows) {
    options.onRow(row);
    await takeTurns(row.text.length + (row.textPair?.length ?? 0));
  }
  return { found, names };
}

/** Throws as readParquet, and so do the rows. A column that is not wanted is read as "", or as no pair. */
export function openParquet(
  bytes: Uint8Array,
  { file, columns: given, wanted }: Omit<TableOptions, "onRow"> & { readonly wanted?: readonly ColumnName[] },
): TableRead & { readonly rows: Iterable<RawRow> } {
  const metadata = readFooter(bytes, file);
  const { children } = explaining({ file }, () => parquetSchema(metadata));
  const found = children.map(({ element }) => element.name);
  if (!found.every((name) => typeof name === "string")) throw damaged({ file });
  const names = findColumns(found, given, { file }, wanted);
  const [onUnpack, onText] = [unpackingLimit(file), unpackingLimit(file)];
  const columns = explaining({ file }, () =>
    [...names].map(([role, name]) => new ParquetColumn(role, { name, children, metadata, file, onText })),
  );
  return { found, names, rows: rowsOf({ bytes, metadata, columns, file, onUnpack }) };
}

function* rowsOf({ bytes, metadata, columns, file, onUnpack }: OpenedFile): Generator<RawRow> {
  let row = 0;
  for (const group of explaining({ file }, () => rowGroups(metadata, file))) {
    for (const column of columns) explaining({ file }, () => column.open(bytes, group, onUnpack));
    for (const end = row + Number(group.num_rows); row < end; ) {
      row += 1;
      const read: Partial<Record<string, string>> = {};
      for (const column of columns) {
        const { role, name } = column;
        read[role] = explaining({ file, row, column: name }, () => column.read(row));
      }
      yield { text: read.text ?? "", label: read.label ?? "", textPair: read.text_pair, row };
    }
  }
  if (row === 0) throw refusal({ file }, "the file has no rows; write examples into it");
}

interface OpenedFile {
  readonly bytes: Uint8Array;
  readonly metadata: FileMetaData;
  readonly columns: readonly ParquetColumn[];
  readonly file: string;
  readonly onUnpack: (bytes: number) => void;
}

/** Throws where this is no Parquet file. */
function readFooter(bytes: Uint8Array, file: string): FileMetaData {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = buffer.toString("latin1", 0, MAGIC.length) === MAGIC;
  const ends = buffer.toString("latin1", Math.max(0, buffer.length - MAGIC.length)) === MAGIC;
  if (!starts || !ends || buffer.length < MAGIC.length + TAIL_BYTES) {
    const what = starts
      ? "this Parquet file is cut short; upload all of it"
      : "this is not a Parquet file; name the file by what it is, or write it again";
    throw refusal({ file }, what);
  }
  const footerBytes = TAIL_BYTES + buffer.readUInt32LE(buffer.length - TAIL_BYTES);
  return explaining({ file }, () => {
    requireOf(footerBytes <= buffer.length, "a footer longer than the file");
    const limit = `${FOOTER_BYTES_MAX / 1024} KiB, the limit; write it in fewer row groups`;
    requireOf(footerBytes <= FOOTER_BYTES_MAX, `a footer of more than ${limit}`);
    // In a buffer of its own: nothing can be read beyond it.
    return parquetMetadata(new Uint8Array(buffer.subarray(buffer.length - footerBytes)), {
      geoparquet: false,
    });
  });
}

function rowGroups({ row_groups: groups }: FileMetaData, file: string): readonly RowGroup[] {
  let rows = 0;
  for (const { num_rows } of groups) {
    requireOf(num_rows >= 0, `a group of ${num_rows} rows`);
    rows += Number(num_rows);
  }
  if (rows <= DATASET_ROWS_MAX) return groups;
  throw tooLarge({ file }, `more than ${grouped(DATASET_ROWS_MAX)} examples, the limit; leave some out`);
}

/** A packed file may hold a thousand times its size: of the columns read, no more than another file may have. */
function unpackingLimit(file: string): (bytes: number) => void {
  let unpacked = 0;
  return (bytes) => {
    unpacked += bytes;
    if (unpacked <= DATASET_BYTES_MAX) return;
    const limit = `more than ${DATASET_BYTES_MAX / (1024 * 1024)} MiB once unpacked, the limit`;
    throw tooLarge({ file }, `${limit}; leave some examples out`);
  };
}

/** Whatever reading broken bytes throws, as a refusal that names the place. */
function explaining<Result>(at: Place, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TrainerError) throw cause;
    if (cause instanceof ParquetFault) throw refusal(at, `it has ${cause.message}`, cause);
    throw damaged(at, cause);
  }
}

function damaged(at: Place, cause?: unknown): TrainerError {
  return refusal(at, "this Parquet file is damaged; write it again", cause);
}
