// The files of one task and split:
//
//   DIR/<task>/16-shot/<seed>/train.csv        16 examples of each label
//   DIR/<task>/16-shot/<seed>/validation.csv   as many others, for peers alone: they choose their rate by it
//   DIR/<task>/test.csv
//
// The split "full" is all there is to learn from: DIR/<task>/train.csv, and validation.csv beside it, or peers hold out a
// tenth of the training file to choose by.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "#trainer/dataset";
import { BenchError } from "../errors.ts";
import { classesOf } from "../evaluate-adapter.ts";
import { readDataset } from "../read-dataset.ts";

const EXPECTED =
  "The folder must hold <task>/16-shot/<seed>/train.csv and <task>/test.csv for each task and seed, CSV files with the columns text and label (and text_pair for pairs).";

const EXPECTED_OF_PEERS =
  "Peers choose their learning rate by it: write labelled texts that train.csv does not hold, in the same columns, or name no peer in --methods.";

/** The split that is the whole training file. */
export const FULL = "full";

export interface TaskFiles {
  readonly task: string;
  readonly seed: string;
  readonly train: string;
  /** Need not exist where no peer is measured, nor of all data. */
  readonly validation: string;
  readonly test: string;
}

export interface TaskSelection {
  readonly tasks: readonly string[];
  readonly seeds: readonly string[];
  readonly forPeers: boolean;
}

/** All that will be read, in order of tasks. Throws BenchError missing_files before anything is measured. */
export function findTasks(folder: string, { tasks, seeds, forPeers }: TaskSelection): TaskFiles[] {
  if (!existsSync(folder)) throw new BenchError("missing_files", `There is no folder ${folder}. ${EXPECTED}`);
  const found = tasks.flatMap((task) =>
    seeds.map((seed) => {
      const split = seed === FULL ? join(folder, task) : join(folder, task, "16-shot", seed);
      return {
        task,
        seed,
        train: join(split, "train.csv"),
        validation: join(split, "validation.csv"),
        test: join(folder, task, "test.csv"),
      };
    }),
  );
  const absent = (files: readonly string[]) => files.find((file) => !existsSync(file));
  const missing = absent(found.flatMap(({ train, test }) => [train, test]));
  if (missing !== undefined)
    throw new BenchError("missing_files", `There is no file ${missing}. ${EXPECTED}`);
  const few = found.filter(({ seed }) => seed !== FULL);
  const unvalidated = forPeers ? absent(few.map(({ validation }) => validation)) : undefined;
  if (unvalidated === undefined) return found;
  throw new BenchError("missing_files", `There is no file ${unvalidated}. ${EXPECTED_OF_PEERS}`);
}

/** Throws BenchError unknown_label when the test file holds a label that the training file does not. */
export async function readTask(
  files: TaskFiles,
  testRowsMax: number,
): Promise<{ train: Dataset; test: Dataset }> {
  const { dataset: train } = await readDataset(files.train, { forTraining: true, remedy: EXPECTED });
  const { dataset: test } = await readDataset(files.test, { forTraining: false, remedy: EXPECTED });
  classesOf(test, train.labels, files.test);
  return { train, test: { ...test, examples: spread(test.examples, testRowsMax) } };
}

/** At most `most` of the items, evenly spread over all, in order. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return items.filter(
    (_, index) =>
      Math.floor((index * most) / items.length) !== Math.floor(((index - 1) * most) / items.length),
  );
}
