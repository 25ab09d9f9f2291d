// What a dataset is after parsing: examples by class index, and what the user should know about them.
import type { TextInput } from "#model";

export interface Example {
  readonly input: TextInput;
  /** Class index into Dataset.labels. */
  readonly label: number;
  /** Row of the uploaded file, from 1, the header being row 1. */
  readonly row: number;
}

export interface Dataset {
  readonly examples: readonly Example[];
  /** Sorted by code point, so that class indices depend on the content alone. */
  readonly labels: readonly string[];
  readonly warnings: readonly DatasetWarning[];
}

export interface DatasetWarning {
  readonly code:
    | "duplicate_rows"
    | "similar_rows_conflict"
    | "small_class"
    | "unbalanced_classes"
    | "labels_trimmed"
    | "extra_columns"
    | "columns_guessed"
    | "byte_order_mark";
  /** One sentence: what, how many, and where first. */
  readonly message: string;
  /** Rows concerned, at most 10. */
  readonly rows?: readonly number[];
  /** Where rows repeat or contradict others: the earlier row and the later one, at most 10. */
  readonly pairs?: readonly (readonly [number, number])[];
}

export const DATASET_BYTES_MAX = 64 * 1024 * 1024;
export const DATASET_ROWS_MAX = 200_000;
export const TEXT_CHARACTERS_MAX = 20_000;
export const LABEL_CHARACTERS_MAX = 100;
export const EXAMPLES_PER_LABEL_MIN = 4;
