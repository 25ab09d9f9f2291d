// A dataset that is looked at and not learned from: read in full and held to every rule, without its texts, so that
// beside the file's bytes there is no more in memory than what knows repeated rows again.
import type { Dataset } from "./dataset.ts";
import { type ParseOptions, readDataset } from "./parse.ts";

export type DatasetSummary = Omit<Dataset, "examples"> & { readonly rows: number };

/** Throws TrainerError invalid_dataset or dataset_too_large. */
export async function inspectDataset(bytes: Uint8Array, options: ParseOptions): Promise<DatasetSummary> {
  const { examples, ...read } = await readDataset(bytes, { ...options, keepsTexts: false });
  return { ...read, rows: examples.length };
}
