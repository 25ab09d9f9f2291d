// The second step, dataset: bytes → examples. Strict; every refusal names file, row, column and remedy.
import { columnsRead, type RawRow, warnColumns } from "./columns.ts";
import { type ContentReader, type DatasetContent, openContent } from "./content.ts";
import {
  type ColumnsRead,
  DATASET_BYTES_MAX,
  type Dataset,
  type DatasetColumns,
  type DatasetWarning,
  type Example,
} from "./dataset.ts";
import { DatasetBuilder, type ExamplesRead } from "./dataset-builder.ts";
import { type OpenedText, openText, type RowCounter } from "./decode-text.ts";
import { CsvRowCounter, readCsv } from "./read-csv.ts";
import { NdjsonRowCounter, readNdjson } from "./read-ndjson.ts";
import { readParquet } from "./read-parquet.ts";
import { tooLarge } from "./refuse.ts";
import type { TableOptions, TableRead } from "./table.ts";

export interface ParseOptions {
  /** Shown in messages. */
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  /** Default: found by their usual names, with a warning. */
  readonly columns?: DatasetColumns;
  /** When false (test files) one label and small classes are allowed, and nothing is said of conflicting labels. Default true. */
  readonly forTraining?: boolean;
  /** Of the file, and of what is unpacked of it. Default DATASET_BYTES_MAX. */
  readonly bytesMax?: number;
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
 * With all texts, so of no more than fits into memory several times. The event loop turns between pieces. Throws
 * TrainerError invalid_dataset or dataset_too_large.
 */
export async function parseDataset(content: DatasetContent, options: ParseOptions): Promise<Dataset> {
  const inputs: Example["input"][] = [];
  const { classes, rows, ...read } = await readExamples(content, {
    ...options,
    onInput: (input) => inputs.push(input),
  });
  const examples = inputs.map((input, index) => ({
    input,
    label: classes[index] ?? 0,
    row: rows[index] ?? 0,
  }));
  return { examples, ...read };
}

interface ReadOptions extends ParseOptions {
  /** Told the texts of each example that was checked, in their order. */
  readonly onInput?: (input: Example["input"]) => void;
}

/** Row by row, held to every rule; no text is kept, nor more of the file than a piece. Throws as parseDataset does. */
export async function readExamples(content: DatasetContent, options: ReadOptions): Promise<ExamplesRead> {
  const { fileName: file, columns = {}, forTraining = true, onInput, bytesMax = DATASET_BYTES_MAX } = options;
  const reader = await openContent(content);
  if (reader.bytes > bytesMax) {
    const mebibytes = bytesMax / (1024 * 1024);
    throw tooLarge({ file }, `the file is larger than ${mebibytes} MiB, the limit; leave some examples out`);
  }
  const builder = new DatasetBuilder({ file, forTraining });
  const onRow = (row: RawRow) => {
    builder.add(row);
    onInput?.(inputOf(row));
  };
  const { found, names, warnings } = await formats[options.mediaType](reader, {
    ...{ file, columns, onRow, bytesMax },
  });
  return builder.finish(columnsRead(names), [...warnings, ...warnColumns(found, names, columns)]);
}

/** Of a file that was read before. */
type ReadAgainOptions = ParseOptions & { readonly columns: ColumnsRead };

/** The rows of a file that was read by these columns before, in their order; nothing is checked again. */
export async function readRows(
  content: DatasetContent,
  { fileName: file, mediaType, columns, bytesMax = DATASET_BYTES_MAX }: ReadAgainOptions,
  told: Pick<TableOptions, "onRow" | "onTurn">,
): Promise<void> {
  await formats[mediaType](await openContent(content), { file, columns, bytesMax, ...told });
}

/** Their texts alone. */
export function readInputs(
  content: DatasetContent,
  options: ReadAgainOptions,
  onInput: (input: Example["input"]) => void,
): Promise<void> {
  return readRows(content, options, { onRow: (row) => onInput(inputOf(row)) });
}

function inputOf({ text, textPair }: RawRow): Example["input"] {
  return textPair === undefined ? text : { text, textPair };
}

type ReadFormat = (
  content: ContentReader,
  options: TableOptions,
) => Promise<TableRead & { readonly warnings: readonly DatasetWarning[] }>;

const formats = {
  "text/csv": fromText(readCsv, () => new CsvRowCounter()),
  "application/x-ndjson": fromText(readNdjson, () => new NdjsonRowCounter()),
  "application/vnd.apache.parquet": async (content, options) => ({
    ...(await readParquet(content, options)),
    warnings: [],
  }),
} satisfies Record<DatasetMediaType, ReadFormat>;

function fromText(
  read: (text: OpenedText, options: TableOptions) => Promise<TableRead>,
  createCounter: () => RowCounter,
): ReadFormat {
  return async (content, options) => {
    const text = await openText(content, options.file, createCounter);
    const table = await read(text, options);
    return { ...table, warnings: text.hadByteOrderMark ? [MARK_WARNING] : [] };
  };
}

const MARK_WARNING = {
  code: "byte_order_mark",
  message: "The file starts with a byte order mark, which was passed over.",
} as const;
