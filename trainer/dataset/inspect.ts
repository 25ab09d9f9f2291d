// A dataset that is looked at and not learned from: read in full and held to every rule, without its texts, so that there is
// no more in memory than a piece of the file and what knows repeated rows again.
import type { DatasetContent } from "./content.ts";
import type { Dataset } from "./dataset.ts";
import { type ParseOptions, readExamples } from "./parse.ts";

export type DatasetSummary = Omit<Dataset, "examples" | "sampledFrom"> & { readonly rows: number };

/** Throws TrainerError invalid_dataset or dataset_too_large. */
export async function inspectDataset(
  content: DatasetContent,
  options: ParseOptions,
): Promise<DatasetSummary> {
  const { classes: _, rows, ...read } = await readExamples(content, options);
  return { ...read, rows: rows.length };
}
