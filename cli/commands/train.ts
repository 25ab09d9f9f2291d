// softgate train: the steps dataset, train and publish, on this machine or on a server.
import { Command, Option } from "commander";
import type { Evaluation } from "#trainer/evaluate";
import { TrainerError, trainOptionsSchema } from "#trainer/job";
import { describeReport } from "../describe-report.ts";
import type { Io } from "../io.ts";
import {
  backboneOption,
  DATA_FILE,
  deviceOption,
  jsonObject,
  wholeNumber,
  withColumns,
  withPlaceOptions,
} from "../options.ts";
import { json, percent } from "../output.ts";
import { withDatasetFile } from "../read-dataset.ts";
import { trainRemotely } from "../remote/train-remotely.ts";
import { type TrainCommandOptions, trainAndPublish } from "../train-and-publish.ts";
import { requireReportFile, writeReport } from "../write-report.ts";
import { evaluateFile } from "./evaluate.ts";
import { reportPageOf } from "./report.ts";

export function trainCommand(io: Io): Command {
  return withColumns(withPlaceOptions(new Command("train"), io))
    .description("learn an adapter from labelled texts and publish it as the next version of its name")
    .requiredOption("--data <file>", DATA_FILE)
    .requiredOption("--name <name>", "of the adapter: a-z, 0-9, - _ . and at most 64 characters")
    .option("--validation <file>", "labelled texts that decide between settings; without, parts of --data do")
    .option("--test <file>", "labelled texts to report the accuracy on; they decide nothing")
    .option("--sign <keyfile>", "sign the version with this private key, see softgate signing-key")
    .option("--report <file>", "write the report to this file too: .html, a page with plots, or .json")
    .option("--seed <n>", "same seed and data: same adapter", wholeNumber(0, 2_147_483_647))
    .addOption(
      new Option("--method <method>", "spt: plain Selective Prompt Tuning, prompts alone and always").choices(
        ["auto", "spt"],
      ),
    )
    .addOption(
      new Option("--pooling <pooling>", "what a generator reads: one mean, or one a prompt token").choices([
        "mean",
        "slots",
      ]),
    )
    .option("--epochs <n>", "passes over the examples in the last phase", wholeNumber(1, 200))
    .option("--prompt-tokens <n>", "soft tokens of each prompt generator", wholeNumber(1, 32))
    .option("--insertions-max <n>", "most insertions that the search may select", wholeNumber(1, 128))
    .option("--bottleneck <n>", "inner width of each prompt generator", wholeNumber(1, 256))
    .option("--learning-rate <rate>", "of generators and head", Number)
    .option("--template <template>", 'of a backbone that predicts words: "{text} It was {mask} ."')
    .option(
      "--label-words <json>",
      'words for labels there, \'{"positive":"great"}\'; others go by their names',
      jsonObject,
    )
    .addOption(deviceOption())
    .addOption(backboneOption())
    .action((options: TrainCommandOptions, command: Command) =>
      options.remote
        ? trainRemotely({ ...options, remote: options.remote }, trainOptionsOf(options), {
            io,
            isGiven: (name) => command.getOptionValueSource(name) === "cli",
          })
        : train(options, io),
    );
}

async function train(options: TrainCommandOptions, io: Io): Promise<void> {
  // Read before the training, as the files it reads itself are, so that a wrong one costs no time.
  if (options.test !== undefined) {
    await withDatasetFile(options.test, { ...options, forTraining: false }, async () => undefined);
  }
  if (options.report !== undefined) requireReportFile(options.report);
  const { resolved, report } = await trainAndPublish(options, trainOptionsOf(options), io);
  const { name, version, digest, heldBack } = resolved;
  const adapterId = `${name}:${version}`;
  const rowsOf = options.validation ?? options.data;
  // Warnings were said before the training.
  const told = describeReport({ ...report, warnings: [] }, rowsOf);
  if (!options.json) {
    io.stdout(`${adapterId} is published.\n${told}`);
    if (heldBack !== undefined) io.stderr(`warning: production was not moved to it. ${heldBack}\n`);
  }
  if (options.report !== undefined) await writeReport(options.report, reportPageOf(resolved));
  const validation = await evaluateIfGiven("validation", options, { adapterId, io });
  const test = await evaluateIfGiven("test", options, { adapterId, io });
  if (options.json) {
    return io.stdout(
      json({
        ...{ adapterId, version, digest, ...(heldBack !== undefined && { heldBack }), report },
        ...(validation && { validation }),
        ...(test && { test }),
      }),
    );
  }
  io.stdout(
    `\nNext: softgate classify --adapter ${heldBack === undefined ? name : adapterId} "a new text"\n`,
  );
}

/** Throws TrainerError invalid_options. */
function trainOptionsOf(options: TrainCommandOptions) {
  const { seed, method, pooling, epochs, promptTokens, insertionsMax, bottleneck, learningRate } = options;
  const { template, labelWords } = options;
  const given = {
    ...{ seed, method, pooling, epochs, promptTokens, insertionsMax, bottleneck, learningRate },
    ...{ template, labelWords },
  };
  const parsed = trainOptionsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TrainerError("invalid_options", `${issue?.path.join(".")}: ${issue?.message}`);
}

async function evaluateIfGiven(
  which: "validation" | "test",
  options: TrainCommandOptions,
  { adapterId, io }: { adapterId: string; io: Io },
): Promise<Evaluation | undefined> {
  const path = options[which];
  if (path === undefined) return undefined;
  const evaluation = await evaluateFile(path, { ...options, adapter: adapterId }, io);
  const { accuracy, macroF1, n } = evaluation;
  if (!options.json) {
    io.stdout(
      `  ${which.padEnd(14)}accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)} (${n} rows of ${path})\n`,
    );
  }
  return evaluation;
}
