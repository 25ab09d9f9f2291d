// What a reader of files of any length is given, and gives.
import type { ColumnName } from "./columns.ts";
import type { DatasetColumns } from "./dataset.ts";

export interface StreamedRow {
  /** As in Example. */
  readonly row: number;
  readonly text: string;
  readonly textPair: string | undefined;
  /** All columns in their order; of Parquet those of the texts alone. */
  readonly values: ReadonlyMap<string, unknown>;
}

export interface StreamOptions {
  /** Those of the texts; what is left out is found by its usual names. */
  readonly columns: Omit<DatasetColumns, "label">;
  /** Told how many more bytes of the file were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** A file that is being read. */
export interface RowSource extends StreamOptions {
  readonly path: string;
  /** Shown in messages. */
  readonly file: string;
}

/** A label may be there, and is a column like others. */
export const STREAMED_COLUMNS: readonly ColumnName[] = ["text", "text_pair"];
