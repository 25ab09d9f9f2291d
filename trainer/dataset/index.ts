// The light door to datasets. No native code behind it.
export { type DatasetContent, openContent } from "./content.ts";
export {
  DATASET_BYTES_MAX,
  DATASET_ROWS_MAX,
  type Dataset,
  type DatasetColumns,
  type DatasetWarning,
  EXAMPLES_LEARNED_MAX,
  EXAMPLES_PER_LABEL_MIN,
  type Example,
  LABELS_MAX,
} from "./dataset.ts";
export { type DatasetSummary, inspectDataset } from "./inspect.ts";
export { type MergedDataset, mergeFeedback } from "./merge-feedback.ts";
export {
  type DatasetMediaType,
  isDatasetMediaType,
  mediaTypeOfFile,
  type ParseOptions,
  parseDataset,
} from "./parse.ts";
export { readSample } from "./sample-examples.ts";
export { type Line, splitLines } from "./split-lines.ts";
export { spoolContent } from "./spool-content.ts";
export { streamRows } from "./stream-rows.ts";
export type { StreamedRow } from "./streamed-row.ts";
