// npm run bench -- precision
import { Command } from "commander";
import { DATASET_ROWS_MAX } from "#trainer/dataset";
import { findTasks } from "../accuracy/read-task.ts";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { nameList, type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { percent, targetLine, textTable, whole } from "../text-table.ts";
import { measurePrecision, type PrecisionResults } from "./measure-precision.ts";

interface PrecisionOptions extends SharedOptions {
  readonly data: string;
  readonly tasks: readonly string[];
  readonly seeds: readonly string[];
  readonly testRowsMax: number;
}

export function precisionCommand(io: BenchIo): Command {
  const command = new Command("precision")
    .description(
      "what serving in int8 and adapters in fp16 cost in accuracy: default adapters, each on its test rows",
    )
    .requiredOption("--data <folder>", "holds <task>/16-shot/<seed>/train.csv and <task>/test.csv")
    .requiredOption("--tasks <names>", "tasks, commas between", nameList)
    .requiredOption("--seeds <names>", "splits, commas between", nameList)
    .option(
      "--test-rows-max <n>",
      "most rows of a test file, evenly spread",
      wholeNumber(1, DATASET_ROWS_MAX),
      DATASET_ROWS_MAX,
    );
  return withShared(command, "write the JSON document to this file too").action((options: PrecisionOptions) =>
    measure(options, io),
  );
}

async function measure(options: PrecisionOptions, io: BenchIo): Promise<void> {
  const { data, tasks, seeds, testRowsMax, threads } = options;
  const found = findTasks(data, { tasks, seeds, forPeers: false });
  const { id, backbone } = await openBackbone(options.backbone, io);
  const results = await measurePrecision({ backbone, tasks: found, testRowsMax, threads }, io);
  const settings = { backbone: { id, digest: backbone.digest }, tasks, seeds, testRowsMax, threads };
  await printDocument({ benchmark: "precision", settings, results, text: describe(results) }, options, io);
}

function describe(results: PrecisionResults): string {
  const { cells, accuracy, agreement, unrounded, bytesMax, lossPoints } = results;
  const rows = cells.map((cell) => [
    `${cell.task} ${cell.seed}`,
    percent(cell.accuracy.fp32),
    percent(cell.accuracy.int8),
    percent(cell.agreement),
    percent(cell.unrounded.accuracy),
    percent(cell.unrounded.agreement),
  ]);
  const means = [
    ...["mean of the tasks", percent(accuracy.fp32), percent(accuracy.int8), percent(agreement)],
    ...[percent(unrounded.accuracy), percent(unrounded.agreement)],
  ];
  const heading = ["TASK AND SPLIT", "FP32", "INT8", "SAME ANSWER", "UNROUNDED ADAPTER", "SAME ANSWER"];
  return (
    `${textTable([heading, ...rows, means])}\n` +
    `The largest adapter has ${whole(bytesMax)} bytes.\n` +
    targetLine("points lost", lossPoints.value.toFixed(2), `${lossPoints.target} at most`, lossPoints.met)
  );
}
