// npm run bench -- out-of-scope
import { join } from "node:path";
import { Command } from "commander";
import { DATASET_ROWS_MAX } from "#trainer/dataset";
import { classesOf } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readDataset } from "../read-dataset.ts";
import { percent, textTable } from "../text-table.ts";
import { drawRows } from "./draw-rows.ts";
import { measureOutOfScope, type OutOfScopeResults } from "./measure-out-of-scope.ts";

interface OutOfScopeOptions extends SharedOptions {
  readonly data: string;
  readonly perLabel: number;
  readonly seed: number;
}

export function outOfScopeCommand(io: BenchIo): Command {
  const command = new Command("out-of-scope")
    .description("how well texts that are of none of the labels are told from the others")
    .requiredOption("--data <folder>", "holds train.csv, test.csv and out_of_scope_test.csv")
    .option("--per-label <n>", "rows of each label to learn", wholeNumber(4, DATASET_ROWS_MAX), 16)
    .option("--seed <n>", "draws these rows, and seeds the training", wholeNumber(0, 2_147_483_647), 0)
    .addHelpText("after", HELP);
  return withShared(command, "write the JSON document to this file too").action(
    (options: OutOfScopeOptions) => measure(options, io),
  );
}

async function measure(options: OutOfScopeOptions, io: BenchIo): Promise<void> {
  const { data, perLabel, seed, threads } = options;
  const read = async (name: string, forTraining: boolean) =>
    (await readDataset(join(data, name), { forTraining, remedy: REMEDY })).dataset;
  const all = await read("train.csv", true);
  const [test, strangers] = [await read("test.csv", false), await read("out_of_scope_test.csv", false)];
  // A wrong test file is told before the training, not after.
  classesOf(test, all.labels, join(data, "test.csv"));
  const { id, backbone } = await openBackbone(options.backbone, io);
  const dataset = drawRows(all, { perLabel, seed });
  const results = await measureOutOfScope({ backbone, dataset, test, strangers, seed, threads }, io);
  const settings = { backbone: { id, digest: backbone.digest }, perLabel, seed, threads };
  await printDocument({ benchmark: "out-of-scope", settings, results, text: describe(results) }, options, io);
}

function describe(results: OutOfScopeResults): string {
  const { rows, accuracy, expectedInScopeRecall, inScopeRecall, outOfScopeRecall, scores } = results;
  const table = scores.map(({ score, auroc, outOfScopeRecallAt95 }) => [
    score,
    auroc.toFixed(3),
    percent(outOfScopeRecallAt95),
  ]);
  const kept =
    expectedInScopeRecall === undefined ? "no threshold" : `expected ${percent(expectedInScopeRecall)}`;
  return (
    `${rows.learned} rows learned; ${rows.inScope} in scope (accuracy ${percent(accuracy)}), ${rows.outOfScope} out of scope\n` +
    `kept of those in scope ${percent(inScopeRecall)} (${kept}); found of those out of scope ${percent(outOfScopeRecall)}\n\n` +
    textTable([["SCORE", "AUROC", "FOUND WHERE 95 % ARE KEPT"], ...table])
  );
}

const REMEDY =
  "The folder must hold train.csv, test.csv and out_of_scope_test.csv, each with text and label.";

const HELP = `
The threshold is the one the training chose, on its own held-out rows: no row of a test file decides.
The table's last column puts a threshold on the test rows themselves, to compare scores alone.
`;
