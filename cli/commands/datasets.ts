// softgate datasets: files of labelled texts that a store keeps, for trainings over HTTP and as test sets.
import { Command } from "commander";
import { DATASETS_PER_PAGE_MAX, type DatasetSummary, parseTenantId } from "#registry";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import {
  type ColumnOptions,
  DATA_FILE,
  type TenantOptions,
  wholeNumber,
  withColumns,
  withPlaceOptions,
} from "../options.ts";
import { json, table } from "../output.ts";
import { printWarnings, withDatasetFile } from "../read-dataset.ts";

export function datasetsCommand(io: Io): Command {
  return new Command("datasets")
    .description("keep and list files of labelled texts")
    .addCommand(addCommand(io))
    .addCommand(listCommand(io));
}

function addCommand(io: Io): Command {
  return withColumns(withPlaceOptions(new Command("add").alias("upload"), io))
    .description(
      "keep a file, and print its id: to hold aliases to (adapters protect --test-set), or to train on",
    )
    .argument("<file>", DATA_FILE)
    .action(async (path: string, options: TenantOptions & ColumnOptions) => {
      const tenant = parseTenantId(options.tenant);
      // A test set need not have examples enough of each label to learn from.
      await withDatasetFile(path, { ...options, forTraining: false }, async (file) => {
        const { fileName, summary } = file;
        const { rows, labels, warnings } = summary;
        if (!options.json) printWarnings({ fileName, warnings }, io);
        const { id } = await withPlace(options, io, (registry) => registry.keepDataset(tenant, file));
        if (options.json) return io.stdout(json({ id, rows, labels }));
        io.stderr(`${rows} rows, ${labels.length} labels. The dataset's id:\n`);
        io.stdout(`${id}\n`);
      });
    });
}

interface ListOptions extends TenantOptions {
  readonly limit?: number;
  readonly after?: string;
}

function listCommand(io: Io): Command {
  return withPlaceOptions(new Command("list"), io)
    .description("a page of the files that are kept, in the order of their ids")
    .option("--limit <n>", "at most so many", wholeNumber(1, DATASETS_PER_PAGE_MAX))
    .option("--after <id>", "those behind this one: what the page before ended with")
    .action(async (options: ListOptions) => {
      const { limit, after } = options;
      const page = { ...(limit !== undefined && { limit }), ...(after !== undefined && { after }) };
      const listed = await withPlace(options, io, (registry) =>
        registry.listDatasets(parseTenantId(options.tenant), page),
      );
      if (options.json) return io.stdout(json(listed));
      const { datasets, next } = listed;
      if (datasets.length === 0) return io.stdout("No datasets here. Next: softgate datasets add FILE\n");
      io.stdout(table([HEADING, ...datasets.map(rowOf)]));
      if (next !== undefined) io.stderr(`There are more: --after ${next}\n`);
    });
}

const HEADING = ["DATASET", "FILE", "ROWS", "LABELS", "BYTES", "KEPT SINCE"];

function rowOf({ id, fileName, rows, labelCount, bytes, createdAt }: DatasetSummary): string[] {
  return [id, fileName, String(rows), String(labelCount), String(bytes), createdAt];
}
