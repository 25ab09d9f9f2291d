// Parquet → rows, of flat columns. Rows count from 1. One page of each column is read and unpacked at a time; the other
// columns are not read.
import { type FileMetaData, parquetMetadata, parquetSchema, type RowGroup } from "hyparquet";
import { TrainerError } from "../errors.ts";
import { turnTaker } from "../take-turns.ts";
import { type ColumnName, findColumns, type RawRow } from "./columns.ts";
import type { ContentReader } from "./content.ts";
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
export async function readParquet(content: ContentReader, options: TableOptions): Promise<TableRead> {
  const { found, names, rows } = await openParquet(content, options);
  const takeTurns = turnTaker();
  for await (const row of rows) {
    options.onRow(row);
    await takeTurns(row.text.length + (row.textPair?.length ?? 0));
    await options.onTurn?.();
  }
  return { found, names };
}

/** Throws as readParquet, and so do the rows. A column that is not wanted is read as "", or as no pair. */
export async function openParquet(
  content: ContentReader,
  {
    file,
    columns: given,
    bytesMax = DATASET_BYTES_MAX,
    wanted,
  }: Omit<TableOptions, "onRow" | "onTurn"> & { readonly wanted?: readonly ColumnName[] },
): Promise<TableRead & { readonly rows: AsyncIterable<RawRow> }> {
  const metadata = await readFooter(content, file);
  const { children } = explaining({ file }, () => parquetSchema(metadata));
  const found = children.map(({ element }) => element.name);
  if (!found.every((name) => typeof name === "string")) throw damaged({ file });
  const names = findColumns(found, given, { file }, wanted);
  const [onUnpack, onText] = [unpackingLimit(file, bytesMax), unpackingLimit(file, bytesMax)];
  const columns = explaining({ file }, () =>
    [...names].map(([role, name]) => new ParquetColumn(role, { name, children, metadata, file, onText })),
  );
  return { found, names, rows: rowsOf({ content, metadata, columns, file, onUnpack }) };
}

async function* rowsOf({ content, metadata, columns, file, onUnpack }: OpenedFile): AsyncGenerator<RawRow> {
  let row = 0;
  for (const group of explaining({ file }, () => rowGroups(metadata, file))) {
    for (const column of columns) explaining({ file }, () => column.open(content, group, onUnpack));
    for (const end = row + Number(group.num_rows); row < end; ) {
      row += 1;
      const read: Partial<Record<string, string>> = {};
      for (const column of columns) {
        const { role, name } = column;
        if (!column.hasNext) await column.load().catch(explainAs({ file, row, column: name }));
        read[role] = explaining({ file, row, column: name }, () => column.read(row));
      }
      yield { text: read.text ?? "", label: read.label ?? "", textPair: read.text_pair, row };
    }
  }
  if (row === 0) throw refusal({ file }, "the file has no rows; write examples into it");
}

interface OpenedFile {
  readonly content: ContentReader;
  readonly metadata: FileMetaData;
  readonly columns: readonly ParquetColumn[];
  readonly file: string;
  readonly onUnpack: (bytes: number) => void;
}

/** Throws where this is no Parquet file. */
async function readFooter(content: ContentReader, file: string): Promise<FileMetaData> {
  const { bytes } = content;
  const starts = (await content.read(0, MAGIC.length)).toString("latin1") === MAGIC;
  const tail = await content.read(Math.max(0, bytes - TAIL_BYTES), TAIL_BYTES);
  const ends = tail.toString("latin1", Math.max(0, tail.length - MAGIC.length)) === MAGIC;
  if (!starts || !ends || bytes < MAGIC.length + TAIL_BYTES) {
    const what = starts
      ? "this Parquet file is cut short; upload all of it"
      : "this is not a Parquet file; name the file by what it is, or write it again";
    throw refusal({ file }, what);
  }
  const footerBytes = TAIL_BYTES + tail.readUInt32LE();
  explaining({ file }, () => {
    requireOf(footerBytes <= bytes, "a footer longer than the file");
    const limit = `${FOOTER_BYTES_MAX / 1024} KiB, the limit; write it in fewer row groups`;
    requireOf(footerBytes <= FOOTER_BYTES_MAX, `a footer of more than ${limit}`);
  });
  // In a buffer of its own: nothing can be read beyond it.
  const footer = new Uint8Array(await content.read(bytes - footerBytes, footerBytes));
  return explaining({ file }, () => parquetMetadata(footer, { geoparquet: false }));
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
function unpackingLimit(file: string, bytesMax: number): (bytes: number) => void {
  let unpacked = 0;
  return (bytes) => {
    unpacked += bytes;
    if (unpacked <= bytesMax) return;
    const limit = `more than ${bytesMax / (1024 * 1024)} MiB once unpacked, the limit`;
    throw tooLarge({ file }, `${limit}; leave some examples out`);
  };
}

/** Whatever reading broken bytes throws, as a refusal that names the place. */
function explaining<Result>(at: Place, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    return explainAs(at)(cause);
  }
}

function explainAs(at: Place): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof TrainerError) throw cause;
    if (cause instanceof ParquetFault) throw refusal(at, `it has ${cause.message}`, cause);
    throw damaged(at, cause);
  };
}

function damaged(at: Place, cause?: unknown): TrainerError {
  return refusal(at, "this Parquet file is damaged; write it again", cause);
}
