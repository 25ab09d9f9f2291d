// softgate evaluate: how well an adapter answers a labelled file.
import { Command } from "commander";
import { predictionOf } from "#functions/prediction";
import type { Evaluation } from "#trainer/evaluate";
import { evaluateDataset, unknownLabels } from "../evaluate-dataset.ts";
import type { Io } from "../io.ts";
import { type OpenAdapterOptions, withAdapter } from "../open-adapter.ts";
import { type ColumnOptions, DATA_FILE, withColumns, withTenant } from "../options.ts";
import { json, percent, table } from "../output.ts";
import { bar, createProgressLine } from "../progress-line.ts";
import { printWarnings, readDataset } from "../read-dataset.ts";

export function evaluateCommand(io: Io): Command {
  return withColumns(withTenant(new Command("evaluate"), io))
    .description("accuracy, macro-F1 and the figures of each label on a labelled file")
    .requiredOption("--adapter <id>", "NAME, NAME@ALIAS or NAME:VERSION")
    .requiredOption("--data <file>", DATA_FILE)
    .option("--backbone <id>", "id or folder, when it is not the one the adapter names")
    .action(async (options: EvaluateOptions & { data: string }) => {
      const evaluation = await evaluateFile(options.data, options, io);
      io.stdout(options.json ? json(evaluation) : describe(evaluation));
    });
}

type EvaluateOptions = OpenAdapterOptions & ColumnOptions;

/** Also for train --test and --validation. */
export async function evaluateFile(path: string, options: EvaluateOptions, io: Io): Promise<Evaluation> {
  const file = await readDataset(path, { ...options, forTraining: false });
  if (!options.json) printWarnings(file, io);
  const line = createProgressLine(io, { silent: options.json === true });
  return withAdapter(options, io, async ({ resolved, classify }) => {
    const { labels } = resolved.manifest;
    const unknown = unknownLabels(file.dataset, labels);
    if (unknown.length > 0 && !options.json) {
      io.stderr(
        `warning: ${path}: the adapter never answers ${unknown.join(", ")}; these rows count as wrong.\n`,
      );
    }
    const evaluation = await evaluateDataset({
      dataset: file.dataset,
      labels,
      answer: async (inputs) =>
        (await classify(inputs)).map((classification) => predictionOf(classification, 1).label),
      onProgress: (done, total) => line.show(`Classifying ${file.fileName}`, bar(done / total)),
    });
    line.clear();
    return evaluation;
  });
}

function describe({ accuracy, macroF1, n, perLabel }: Evaluation): string {
  const rows = perLabel.map(({ label, precision, recall, f1, support }) => [
    label,
    percent(precision),
    percent(recall),
    percent(f1),
    String(support),
  ]);
  return (
    `accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)}, n ${n}\n\n` +
    table([["LABEL", "PRECISION", "RECALL", "F1", "N"], ...rows])
  );
}
