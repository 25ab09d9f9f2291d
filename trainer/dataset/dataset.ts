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
  /** Examples of the file, where not all of them are here. */
  readonly sampledFrom?: number;
  /** Sorted by code point, so that class indices depend on the content alone. */
  readonly labels: readonly string[];
  /** As the file names them: given again, the same columns are read, whatever is guessed by then. */
  readonly columns: ColumnsRead;
  readonly warnings: readonly DatasetWarning[];
}

/** The columns to read, by their names in the file. What is left out is found by its usual names. */
export interface DatasetColumns {
  readonly text?: string;
  /** Left out where the text is named: there are no pairs, whatever other columns there are. */
  readonly textPair?: string;
  readonly label?: string;
}

export type ColumnsRead = DatasetColumns & { readonly text: string; readonly label: string };

export interface DatasetWarning {
  readonly code:
    | "duplicate_rows"
    | "conflicting_labels"
    | "similar_rows_conflict"
    | "small_class"
    | "unbalanced_classes"
    | "labels_trimmed"
    | "extra_columns"
    | "columns_guessed"
    | "rows_sampled"
    | "byte_order_mark";
  /** One sentence: what, how many, and where first. */
  readonly message: string;
  /** Rows concerned, at most 10. */
  readonly rows?: readonly number[];
  /** Where rows repeat or contradict others: the earlier row and the later one, at most 10. */
  readonly pairs?: readonly (readonly [number, number])[];
}

/** As much as a registry keeps in one. */
export const DATASET_BYTES_MAX = 1024 * 1024 * 1024;
export const DATASET_ROWS_MAX = 1_000_000;
export const LABELS_MAX = 1_000;
export const TEXT_CHARACTERS_MAX = 20_000;
export const LABEL_CHARACTERS_MAX = 100;
export const EXAMPLES_PER_LABEL_MIN = 4;
/**
 * A training of more learns from so many of them. Its memory and its time grow with rows times tokens, rows
 * times width, and rows times labels; more rows of a label than this leaves it add little.
 */
export const EXAMPLES_LEARNED_MAX = 50_000;
/** Of a validation file of more, so many are answered. */
export const EXAMPLES_VALIDATED_MAX = 20_000;
