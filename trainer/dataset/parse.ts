// The second step, dataset: bytes → examples. Strict; every refusal names file, row, column and remedy.
import type { Dataset } from "./dataset.ts";

export interface ParseOptions {
  /** Shown in messages. */
  readonly fileName: string;
  /** "text/csv" or "application/x-ndjson". */
  readonly mediaType: DatasetMediaType;
  /** When false (test files) one label and small classes are allowed. Default true. */
  readonly forTraining?: boolean;
}

export type DatasetMediaType = "text/csv" | "application/x-ndjson";

/** Throws TrainerError invalid_dataset or dataset_too_large. */
export declare function parseDataset(bytes: Uint8Array, options: ParseOptions): Dataset;
