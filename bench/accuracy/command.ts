// npm run bench -- accuracy
import { Command, InvalidArgumentError } from "commander";
import { DATASET_ROWS_MAX } from "#trainer/dataset";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { nameList, type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { appendCell, METHODS, type Method, readCells } from "./cell.ts";
import { PROBE_C } from "./frozen-probe.ts";
import { measureAccuracy } from "./measure-accuracy.ts";
import { findTasks } from "./read-task.ts";
import { describeCells, summarizeMethods, summarizeTasks } from "./summarize-cells.ts";

interface AccuracyOptions extends SharedOptions {
  readonly data: string;
  readonly tasks: readonly string[];
  readonly seeds: readonly string[];
  readonly methods: readonly Method[];
  readonly testRowsMax: number;
}

export function accuracyCommand(io: BenchIo): Command {
  const command = new Command("accuracy")
    .description("accuracy on public few-shot tasks, beside logistic regression on the frozen embeddings")
    .requiredOption("--data <folder>", "holds <task>/16-shot/<seed>/train.csv and <task>/test.csv")
    .requiredOption("--tasks <names>", "tasks, commas between", nameList)
    .requiredOption("--seeds <names>", "splits, commas between", nameList)
    .option("--methods <names>", "methods, commas between", methodList, [...METHODS])
    .option(
      "--test-rows-max <n>",
      "most rows of a test file, evenly spread",
      wholeNumber(1, DATASET_ROWS_MAX),
      DATASET_ROWS_MAX,
    )
    .addHelpText("after", HELP);
  return withShared(
    command,
    "add a JSON line per finished cell to this file; cells in it are not measured again",
  ).action((options: AccuracyOptions) => measure(options, io));
}

async function measure(options: AccuracyOptions, io: BenchIo): Promise<void> {
  const { data, methods, testRowsMax, threads, out } = options;
  const tasks = findTasks(data, options.tasks, options.seeds);
  const finished = out === undefined ? [] : await readCells(out);
  const { id, backbone } = await openBackbone(options.backbone, io);
  const onCell = async (cell: (typeof finished)[number]) => {
    if (out !== undefined) await appendCell(out, cell);
  };
  const cells = await measureAccuracy(
    { backbone, tasks, methods, testRowsMax, threads, finished, onCell },
    io,
  );
  const settings = {
    backbone: { id, digest: backbone.digest },
    ...{ tasks: options.tasks, seeds: options.seeds, methods, testRowsMax, threads },
    logisticRegression: { c: PROBE_C, features: "frozen, unit length" },
  };
  const summaries = summarizeTasks(cells);
  const results = { cells, tasks: summaries, methods: summarizeMethods(summaries) };
  await printDocument(
    { benchmark: "accuracy", settings, results, text: describeCells(cells) },
    options.json ? { json: true } : {},
    io,
  );
}

function methodList(text: string): Method[] {
  return nameList(text).map((name) => {
    const method = METHODS.find((known) => known === name);
    if (method) return method;
    throw new InvalidArgumentError(`${name} is no method. Name some of ${METHODS.join(", ")}.`);
  });
}

const HELP = `
Methods:
  softgate              the trainer's defaults: selective insertions
  spt                   plain Selective Prompt Tuning: --method spt of softgate train
  logistic_regression   C = ${PROBE_C} on the frozen encoder's pooled, unit-length vectors
All learn from the same 16-shot file and are evaluated through the classifier that serves.
Interrupted? Give the same --out again: what it holds is kept. Has the trainer changed? Name another.
`;
