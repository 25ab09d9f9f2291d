// softgate evaluate: how well an adapter answers a labelled file, or a dataset that is kept; and, of that, keeps the
// figures for the aliases that are held to it.
import { basename } from "node:path";
import { Command } from "commander";
import { predictionOf } from "#functions/prediction";
import { parseTenantId, type ResolvedAdapter, type StoredEvaluation } from "#registry";
import { type Evaluation, evaluateDataset, unknownLabels } from "#trainer/evaluate";
import packageJson from "../../package.json" with { type: "json" };
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type OpenAdapterOptions, withAdapter } from "../open-adapter.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type ColumnOptions, DATA_FILE, withColumns, withTenant } from "../options.ts";
import { json, percent, table } from "../output.ts";
import { bar, createProgressLine } from "../progress-line.ts";
import { printWarnings, type ReadDataset, readDataset, readStoredDataset } from "../read-dataset.ts";

interface CommandOptions extends EvaluateOptions {
  readonly data?: string;
  readonly dataset?: string;
  readonly record?: true;
}

export function evaluateCommand(io: Io): Command {
  return withColumns(withTenant(new Command("evaluate"), io))
    .description("accuracy, macro-F1 and the figures of each label on a labelled file")
    .requiredOption("--adapter <id>", "NAME, NAME@ALIAS or NAME:VERSION")
    .option("--data <file>", DATA_FILE)
    .option("--dataset <id>", "in place of a file: a dataset that is kept")
    .option(
      "--record",
      "keep the figures with the version: aliases are held to them (adapters protect --test-set)",
    )
    .option("--backbone <id>", "id or folder, when it is not the one the adapter names")
    .action((options: CommandOptions) => evaluate(options, io));
}

type EvaluateOptions = OpenAdapterOptions & ColumnOptions;

async function evaluate(options: CommandOptions, io: Io): Promise<void> {
  const { data, dataset, record } = options;
  if ((data === undefined) === (dataset === undefined)) {
    throw new CliError("bad_usage", "Give a file (--data) or a dataset that is kept (--dataset).");
  }
  if (record && dataset === undefined) {
    throw new CliError(
      "bad_usage",
      "Only figures on a dataset that is kept (--dataset) are kept themselves.",
    );
  }
  if (data !== undefined) return print(await evaluateFile(data, options, io), options, io);
  const tenant = parseTenantId(options.tenant);
  const file = await withRegistry(options.store, (registry) =>
    readStoredDataset(registry, tenant, dataset ?? ""),
  );
  const answered = await answerFile(file, options, io);
  if (!record) return print(answered.evaluation, options, io);
  const recorded = await recordFigures({ ...answered, datasetId: dataset ?? "" }, options);
  print(answered.evaluation, { ...options, recorded }, io);
}

/** Also for train --test and --validation. */
export async function evaluateFile(path: string, options: EvaluateOptions, io: Io): Promise<Evaluation> {
  const file = await readDataset(path, { ...options, forTraining: false });
  if (!options.json) printWarnings({ ...file, warnings: file.dataset.warnings }, io);
  return (await answerFile({ ...file, fileName: path }, options, io)).evaluation;
}

interface Answered {
  readonly evaluation: Evaluation;
  readonly resolved: ResolvedAdapter;
  readonly precision: "fp32" | "int8";
}

function answerFile({ dataset, fileName }: ReadDataset, options: EvaluateOptions, io: Io): Promise<Answered> {
  const line = createProgressLine(io, { silent: options.json === true });
  return withAdapter(options, io, async ({ resolved, precision, classify }) => {
    const { labels } = resolved.manifest;
    const unknown = unknownLabels(dataset, labels);
    if (unknown.length > 0 && !options.json) {
      io.stderr(
        `warning: ${fileName}: the adapter never answers ${unknown.join(", ")}; these rows count as wrong.\n`,
      );
    }
    const evaluation = await evaluateDataset({
      dataset,
      labels,
      answer: async (inputs) =>
        (await classify(inputs)).map((classification) => predictionOf(classification, 1).label),
      onProgress: (done, total) => line.show(`Classifying ${basename(fileName)}`, bar(done / total)),
    });
    line.clear();
    return { evaluation, resolved, precision };
  });
}

/** The figures that stand: those of an earlier evaluation, where there was one. */
function recordFigures(
  { evaluation, resolved, precision, datasetId }: Answered & { datasetId: string },
  options: CommandOptions,
) {
  const { accuracy, macroF1, n: rows } = evaluation;
  const figures = { accuracy, macroF1, rows, precision, softgate: packageJson.version };
  const { name, version } = resolved;
  return withRegistry(options.store, (registry) =>
    registry.recordEvaluation(parseTenantId(options.tenant), name, {
      ...{ ...figures, datasetId, version, actor: CLI_ACTOR },
    }),
  );
}

function print(
  evaluation: Evaluation,
  { json: asJson, recorded }: CommandOptions & { recorded?: StoredEvaluation },
  io: Io,
): void {
  const kept = recorded ? describeRecorded(recorded) : "";
  io.stdout(
    asJson ? json({ ...evaluation, ...(recorded && { recorded }) }) : `${describe(evaluation)}${kept}`,
  );
}

function describeRecorded({ accuracy, macroF1, at, dataset }: StoredEvaluation): string {
  return `\nKept for ${dataset.id}, as of ${at}: accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)}.\n`;
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
