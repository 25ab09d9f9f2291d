// The second step, dataset: bytes → examples. Strict; every refusal names file, row, column and remedy.
import { checkDataset } from "./check-dataset.ts";
import type { RawTable } from "./columns.ts";
import { DATASET_BYTES_MAX, type Dataset } from "./dataset.ts";
import { decodeText } from "./decode-text.ts";
import { csvRowOf, readCsv } from "./read-csv.ts";
import { ndjsonRowOf, readNdjson } from "./read-ndjson.ts";
import { refusal, tooLarge } from "./refuse.ts";

export interface ParseOptions {
  /** Shown in messages. */
  readonly fileName: string;
  /** "text/csv" or "application/x-ndjson". */
  readonly mediaType: DatasetMediaType;
  /** When false (test files) one label, small classes and conflicting labels are allowed. Default true. */
  readonly forTraining?: boolean;
}

export type DatasetMediaType = "text/csv" | "application/x-ndjson";

const mediaTypeByExtension = new Map<string | undefined, DatasetMediaType>([
  ["csv", "text/csv"],
  ["tsv", "text/csv"],
  ["ndjson", "application/x-ndjson"],
  ["jsonl", "application/x-ndjson"],
]);

/** By the extension; undefined where it is another. */
export function mediaTypeOfFile(fileName: string): DatasetMediaType | undefined {
  return mediaTypeByExtension.get(fileName.split(".").at(-1)?.toLowerCase());
}

export function isDatasetMediaType(type: string): type is DatasetMediaType {
  return Object.hasOwn(formats, type);
}

/** Throws TrainerError invalid_dataset or dataset_too_large. */
export function parseDataset(bytes: Uint8Array, options: ParseOptions): Dataset {
  const { fileName: file, mediaType, forTraining = true } = options;
  if (bytes.byteLength > DATASET_BYTES_MAX) {
    const mebibytes = DATASET_BYTES_MAX / (1024 * 1024);
    throw tooLarge({ file }, `the file is larger than ${mebibytes} MiB, the limit; leave some examples out`);
  }
  const format = formats[mediaType];
  const { utf8, hadByteOrderMark } = decodeText(bytes, file, format.rowOf);
  const { rows, warnings } = format.read(utf8, file);
  if (rows.length === 0) {
    throw refusal({ file, row: 1 }, "the file has a header but no examples; add one a row");
  }
  const dataset = checkDataset(rows, { file, forTraining });
  const markWarning = {
    code: "byte_order_mark",
    message: "The file starts with a byte order mark, which was passed over.",
  } as const;
  return {
    ...dataset,
    warnings: [...(hadByteOrderMark ? [markWarning] : []), ...warnings, ...dataset.warnings],
  };
}

interface Format {
  readonly read: (utf8: Buffer, file: string) => RawTable;
  readonly rowOf: (bytes: Buffer, offset: number) => number;
}

const formats = {
  "text/csv": { read: readCsv, rowOf: csvRowOf },
  "application/x-ndjson": { read: readNdjson, rowOf: ndjsonRowOf },
} satisfies Record<DatasetMediaType, Format>;
