// What a reader of any format is given, and gives: rows one by one, and at its end what it read.
import type { NamesByColumn, RawRow } from "./columns.ts";
import type { DatasetColumns } from "./dataset.ts";

export interface TableOptions {
  /** Shown in messages. */
  readonly file: string;
  readonly columns: DatasetColumns;
  /** Of what is unpacked of a packed file. Default DATASET_BYTES_MAX. */
  readonly bytesMax?: number;
  /** Called in the order of the file. What it throws ends the reading. */
  readonly onRow: (row: RawRow) => void;
  /** Awaited between rows, before there were many more than a piece of the file holds: for who writes them elsewhere. */
  readonly onTurn?: () => Promise<void> | undefined;
}

export interface TableRead {
  /** All columns of the file. */
  readonly found: readonly string[];
  readonly names: NamesByColumn;
}
