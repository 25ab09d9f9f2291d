// npm run bench -- train
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { trainOptionsSchema } from "#trainer/job";
import { describeDevice } from "#trainer/report";
import { chooseDevice } from "#trainer/run-job";
import { classesOf } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { type DeviceOptions, type SharedOptions, wholeNumber, withDevice, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { readDataset } from "../read-dataset.ts";
import { percent, targetLine, textTable, whole } from "../text-table.ts";
import { measureTraining, type TrainResults } from "./measure-training.ts";

interface TrainCommandOptions extends SharedOptions, DeviceOptions {
  readonly data: string;
  readonly test: string;
  readonly seed: number;
  readonly epochs?: number;
}

const EXAMPLE = fileURLToPath(new URL("../../examples/support-tickets", import.meta.url));

export function trainCommand(io: BenchIo): Command {
  const command = new Command("train")
    .description("seconds and steps per second of a training by phase, in a child process and in this one")
    .option("--data <file>", "labelled texts to learn (default: the example)")
    .option("--test <file>", "labelled texts to try the adapter on (default: the example's)")
    .option("--seed <n>", "same seed and data: same adapter", wholeNumber(0, 2_147_483_647), 0)
    .option(
      "--epochs <n>",
      "passes over the examples in the last phase (default: the trainer's choice)",
      wholeNumber(1, 200),
    )
    .addHelpText("after", HELP);
  return withShared(withDevice(command), "write the JSON document to this file too").action(
    (options: Partial<TrainCommandOptions> & SharedOptions & DeviceOptions & { seed: number }) => {
      const [data, test] = [join(EXAMPLE, "train.csv"), join(EXAMPLE, "test.csv")];
      return measure({ data, test, ...options }, io);
    },
  );
}

async function measure(options: TrainCommandOptions, io: BenchIo): Promise<void> {
  const { seed, epochs, threads } = options;
  const data = await readDataset(options.data, { forTraining: true, remedy: remedy("--data") });
  const test = await readDataset(options.test, { forTraining: false, remedy: remedy("--test") });
  // A wrong test file is told before the training, not after.
  classesOf(test.dataset, data.dataset.labels, options.test);
  const backbone = await openBackbone(options.backbone, io);
  const device = await chooseDevice(options.device, { backbone });
  io.stderr(`Device: ${describeDevice(device)}\n`);
  const trainOptions = trainOptionsSchema.parse({ seed, ...(epochs !== undefined && { epochs }) });
  const results = await measureTraining({ backbone, data, test, options: trainOptions, threads, device }, io);
  const settings = {
    backbone: { id: backbone.id, digest: backbone.backbone.digest },
    ...{ data: data.fileName, test: test.fileName, threads, device },
    options: trainOptions,
  };
  await printDocument({ benchmark: "train", settings, results, text: describe(results) }, options, io);
}

function remedy(option: string): string {
  return `Give ${option} a CSV file with the columns text and label.`;
}

function describe(results: TrainResults): string {
  const { child, inProcess, identical, target, test } = results;
  const phases = child.phases.map(({ name, seconds, steps, stepsPerSecond }, index) => {
    const own = inProcess.phases[index];
    return [
      name,
      steps.toFixed(),
      ...cells(seconds, stepsPerSecond),
      ...cells(own?.seconds, own?.stepsPerSecond),
    ];
  });
  const heading = ["PHASE", "STEPS", "CHILD S", "STEPS/S", "IN PROCESS S", "STEPS/S"];
  const total = ["total", child.steps.toFixed(), ...cells(child.seconds), ...cells(inProcess.seconds)];
  return (
    `${results.examples} examples of ${results.labels} labels; ` +
    `prompts at ${layerList(results.promptLayers)}, scales and shifts at ${layerList(results.scaleShiftLayers)}, low-rank updates at ${layerList(results.lowRankLayers)}; ` +
    `adapter of ${whole(results.adapterBytes / 1000)} kB; both adapters ${identical ? "the same, byte for byte" : "DIFFER"}\n\n` +
    `${textTable([heading, ...phases, total])}\n` +
    `test: accuracy ${percent(test.accuracy)}, macro-F1 ${percent(test.macroF1)}, n ${test.n}\n` +
    targetLine("seconds in the child", child.seconds.toFixed(1), `under ${target.seconds}`, target.met)
  );
}

function cells(seconds: number | undefined, stepsPerSecond?: number): string[] {
  return [seconds?.toFixed(1) ?? "", stepsPerSecond?.toFixed(1) ?? ""];
}

const HELP = `
The total is the time a caller waits: for the child process its start and reading the backbone too.
Phases: embed, search (selects insertions), validate, retrain, head, report. Target: under 60 s in the child.
`;

function layerList(layers: readonly number[]): string {
  return layers.length > 0 ? `layers ${layers.join(", ")}` : "no layer";
}
