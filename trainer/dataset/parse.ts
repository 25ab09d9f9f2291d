// The second step, dataset: bytes → examples. Strict; every refusal names file, row, column and remedy.
import { columnsRead, warnColumns } from "./columns.ts";
import { DATASET_BYTES_MAX, type Dataset, type DatasetColumns, type DatasetWarning } from "./dataset.ts";
import { DatasetBuilder } from "./dataset-builder.ts";
import { decodeText } from "./decode-text.ts";
import { csvRowOf, readCsv } from "./read-csv.ts";
import { ndjsonRowOf, readNdjson } from "./read-ndjson.ts";
import { readParquet } from "./read-parquet.ts";
import { tooLarge } from "./refuse.ts";
import type { TableOptions, TableRead } from "./table.ts";

export interface ParseOptions {
  /** Shown in messages. */
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  /** Default: found by their usual names, with a warning. */
  readonly columns?: DatasetColumns;
  /** When false (test files) one label, small classes and conflicting labels are allowed. Default true. */
  readonly forTraining?: boolean;
}

export type DatasetMediaType = "text/csv" | "application/x-ndjson" | "application/vnd.apache.parquet";

const mediaTypeByExtension = new Map<string | undefined, DatasetMediaType>([
  ["csv", "text/csv"],
  ["tsv", "text/csv"],
  ["ndjson", "application/x-ndjson"],
  ["jsonl", "application/x-ndjson"],
  ["parquet", "application/vnd.apache.parquet"],
]);

/** By the extension; undefined where it is another. */
export function mediaTypeOfFile(fileName: string): DatasetMediaType | undefined {
  return mediaTypeByExtension.get(fileName.split(".").at(-1)?.toLowerCase());
}

export function isDatasetMediaType(type: string): type is DatasetMediaType {
  return Object.hasOwn(formats, type);
}

/**
 * Row by row: beside the bytes given there are the examples, and no more of the file as text than a piece.
 * The event loop turns between pieces. Throws TrainerError invalid_dataset or dataset_too_large.
 */
export function parseDataset(bytes: Uint8Array, options: ParseOptions): Promise<Dataset> {
  return readDataset(bytes, { ...options, keepsTexts: true });
}

/** Without keepsTexts the examples' inputs are empty. Throws as parseDataset does. */
export async function readDataset(
  bytes: Uint8Array,
  options: ParseOptions & { readonly keepsTexts: boolean },
): Promise<Dataset> {
  const { fileName: file, mediaType, columns = {}, forTraining = true, keepsTexts } = options;
  if (bytes.byteLength > DATASET_BYTES_MAX) {
    const mebibytes = DATASET_BYTES_MAX / (1024 * 1024);
    throw tooLarge({ file }, `the file is larger than ${mebibytes} MiB, the limit; leave some examples out`);
  }
  const builder = new DatasetBuilder({ file, forTraining, keepsTexts });
  const onRow = builder.add.bind(builder);
  const { found, names, warnings } = await formats[mediaType](bytes, { file, columns, onRow });
  return builder.finish(columnsRead(names), [...warnings, ...warnColumns(found, names, columns)]);
}

type ReadFormat = (
  bytes: Uint8Array,
  options: TableOptions,
) => Promise<TableRead & { readonly warnings: readonly DatasetWarning[] }>;

const formats = {
  "text/csv": fromText(readCsv, csvRowOf),
  "application/x-ndjson": fromText(readNdjson, ndjsonRowOf),
  "application/vnd.apache.parquet": async (bytes, options) => ({
    ...(await readParquet(bytes, options)),
    warnings: [],
  }),
} satisfies Record<DatasetMediaType, ReadFormat>;

/** `rowOf` finds the row of a byte in files of this format. */
function fromText(
  read: (utf8: Buffer, options: TableOptions) => Promise<TableRead>,
  rowOf: (utf8: Buffer, offset: number) => number,
): ReadFormat {
  return async (bytes, options) => {
    const { utf8, hadByteOrderMark } = decodeText(bytes, options.file, rowOf);
    const table = await read(utf8, options);
    return { ...table, warnings: hadByteOrderMark ? [MARK_WARNING] : [] };
  };
}

const MARK_WARNING = {
  code: "byte_order_mark",
  message: "The file starts with a byte order mark, which was passed over.",
} as const;
