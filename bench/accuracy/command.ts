// npm run bench -- accuracy
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { MASK_REGULARIZATION_C } from "#trainer";
import { DATASET_ROWS_MAX } from "#trainer/dataset";
import { chooseDevice } from "#trainer/run-job";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import {
  type DeviceOptions,
  nameList,
  type SharedOptions,
  wholeNumber,
  withDevice,
  withShared,
} from "../options.ts";
import { printDocument } from "../print-document.ts";
import { appendCell, isPeer, isTuned, METHODS, type Method, OWN_METHODS, readCells } from "./cell.ts";
import { PROBE_C } from "./frozen-probe.ts";
import { markdownTable } from "./markdown-table.ts";
import { measureAccuracy } from "./measure-accuracy.ts";
import { plotTasks } from "./plot-tasks.ts";
import { FULL, findTasks } from "./read-task.ts";
import { describeCells, summarizeMethods, summarizeTasks } from "./summarize-cells.ts";

/** Of LM-BFF (Gao et al. 2021), 16 examples a class. */
const TASKS = ["trec", "sst2", "subj", "mpqa", "mr", "mrpc", "qqp", "qnli", "rte", "mnli"];
const SPLITS = ["13", "21", "42", "87", "100"];

interface AccuracyOptions extends SharedOptions, DeviceOptions {
  readonly data: string;
  readonly tasks: readonly string[];
  readonly seeds: readonly string[];
  readonly methods: readonly Method[];
  readonly testRowsMax: number;
  readonly plot?: string;
  readonly table?: string;
  readonly untimed?: true;
  readonly python?: string;
}

export function accuracyCommand(io: BenchIo): Command {
  const command = new Command("accuracy")
    .description("accuracy on public few-shot tasks, beside logistic regression on the frozen embeddings")
    .requiredOption("--data <folder>", "holds <task>/16-shot/<seed>/train.csv and <task>/test.csv")
    .option("--tasks <names>", "tasks, commas between", nameList, TASKS)
    .option("--seeds <names>", `splits, commas between; ${FULL} is all of <task>/train.csv`, nameList, SPLITS)
    .option("--methods <names>", "methods, commas between", methodList, [...OWN_METHODS])
    .option(
      "--test-rows-max <n>",
      "most rows of a test file, evenly spread",
      wholeNumber(1, DATASET_ROWS_MAX),
      DATASET_ROWS_MAX,
    )
    .option("--untimed", "keep no seconds: for a machine that does other work beside")
    .option("--python <file>", "interpreter of peers that has what they need (default: one is installed)")
    .option("--plot <file>", "write the tasks' means as an SVG plot to this file")
    .option("--table <file>", "write means and deviations as a Markdown table to this file")
    .addHelpText("after", HELP);
  return withShared(
    withDevice(command),
    "add a JSON line per finished cell to this file; cells in it are not measured again",
  ).action((options: AccuracyOptions) => measure(options, io));
}

async function measure(options: AccuracyOptions, io: BenchIo): Promise<void> {
  const { data, methods, testRowsMax, threads, out } = options;
  const { tasks: names, seeds } = options;
  const isUntimed = options.untimed === true;
  const tasks = findTasks(data, { tasks: names, seeds, forPeers: methods.some(isPeer) });
  const finished = out === undefined ? [] : await readCells(out);
  const { id, folder, backbone } = await openBackbone(options.backbone, io);
  const device = methods.some(isTuned)
    ? await chooseDevice(options.device, { backbone: { id, folder } })
    : { used: "cpu" as const };
  const peers = { device: options.device, threads, python: options.python };
  const onCell = async (cell: (typeof finished)[number]) => {
    if (out !== undefined) await appendCell(out, cell);
  };
  const cells = await measureAccuracy(
    {
      ...{ backbone, backboneFolder: folder, tasks, methods, testRowsMax, threads, device, peers },
      ...{ isUntimed, finished, onCell },
    },
    io,
  );
  const settings = {
    backbone: { id, digest: backbone.digest },
    ...{ tasks: names, seeds, methods, testRowsMax, threads, device },
    logisticRegression: { c: PROBE_C, features: "frozen, unit length" },
  };
  const summaries = summarizeTasks(cells);
  const results = { cells, tasks: summaries, methods: summarizeMethods(summaries) };
  if (options.plot !== undefined) await writeFile(options.plot, plotTasks(summaries, results.methods));
  if (options.table !== undefined) await writeFile(options.table, markdownTable(summaries, results.methods));
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
On a backbone that predicts words, trec, sst2, subj, mpqa, mr, rte, mrpc, qnli, qqp and mnli have the manual templates
and label words of LM-BFF, full_fine_tuning too; logistic_regression reads the vector at the mask, C = ${MASK_REGULARIZATION_C}.
Without a part, or with a part fixed; measured only when named:
  softgate_without_label_names
  spt_without_consistency, spt_plain_gates
  spt_all_layers, spt_random_layers (half of them), spt_first_layer, spt_middle_layer: prompts there, no search
  static_prompts        the same prompts for every text, at all layers, in the manner of P-tuning v2
Peers in Python, on the same backbone, measured only when named:
  full_fine_tuning      encoder and linear head on the pooled vector, or by template and label words as LM-BFF
                        fine-tunes; 200 steps of 16 texts or little more
  lora                  PEFT's LoRA, rank 8 on queries and values; head and steps as above
  prompt_tuning         PEFT's prompt tuning, 10 virtual tokens; head and steps as above
  setfit                SetFit's defaults; pairs joined as "text [SEP] text_pair". Steps grow with the square
                        of the examples: about 500 for 6 labels, 94,000 for 77
All learn from the same file. Peers but setfit choose their learning rate by validation.csv beside it (of all data
without one: by a tenth of the rows, and all are learned anew), are evaluated in Python, and need Python 3.11 or
newer: what they install, once, takes up to 6 GB of the cache folder. With --device cuda they train on an NVIDIA
card, in fp32; --python names an interpreter whose PyTorch knows it. The others are evaluated through the classifier
that serves.
Interrupted? Give the same --out again: what it holds is kept. Has the trainer changed? Name another.
`;
