// softgate datasets: files of labelled texts that a store keeps, for trainings over HTTP and as test sets.
import { Command } from "commander";
import { parseTenantId } from "#registry";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import {
  CLI_ACTOR,
  type ColumnOptions,
  DATA_FILE,
  type TenantOptions,
  withColumns,
  withPlaceOptions,
} from "../options.ts";
import { json } from "../output.ts";
import { printWarnings, readDataset } from "../read-dataset.ts";

export function datasetsCommand(io: Io): Command {
  return new Command("datasets").description("keep files of labelled texts").addCommand(addCommand(io));
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
      const file = await readDataset(path, { ...options, forTraining: false });
      if (!options.json) printWarnings(file, io);
      const { bytes, fileName, mediaType } = file;
      const { examples, labels, columns } = file.dataset;
      const { id } = await withPlace(options, io, (registry) =>
        registry.putDataset(tenant, {
          ...{ bytes, fileName, mediaType, labels, columns, rows: examples.length, actor: CLI_ACTOR },
        }),
      );
      if (options.json) return io.stdout(json({ id, rows: examples.length, labels }));
      io.stderr(`${examples.length} rows, ${labels.length} labels. The dataset's id:\n`);
      io.stdout(`${id}\n`);
    });
}
