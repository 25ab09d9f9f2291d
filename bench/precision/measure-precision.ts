// The same adapters on the same test rows, with the backbone in fp32 and in int8; and as they were before their numbers
// were rounded to the fp16 of their files.
import { type Backbone, serializeAdapter } from "#model";
import { PRECISIONS, type Precision } from "#model/encoder";
import { type Classifier, createClassifier } from "#model/runtime";
import { train } from "#trainer";
import { evaluate } from "#trainer/evaluate";
import { requestOf } from "../accuracy/own-methods.ts";
import { readTask, type TaskFiles } from "../accuracy/read-task.ts";
import { classesOf, predictClasses } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import { mean } from "../statistics.ts";
import { percent } from "../text-table.ts";
import { createTrainingProgress } from "../training-progress.ts";

export interface MeasurePrecisionRequest {
  readonly backbone: Backbone;
  readonly tasks: readonly TaskFiles[];
  readonly testRowsMax: number;
  readonly threads: number;
}

export interface PrecisionCell {
  readonly task: string;
  readonly seed: string;
  readonly accuracy: Readonly<Record<Precision, number>>;
  readonly macroF1: Readonly<Record<Precision, number>>;
  /** Share of the test rows that both answer alike. */
  readonly agreement: number;
  /** With the backbone in fp32, of the adapter whose numbers were never rounded: the same training otherwise. */
  readonly unrounded: { readonly accuracy: number; readonly agreement: number };
  /** Of the adapter's two files. */
  readonly bytes: number;
  readonly n: number;
}

export interface PrecisionResults {
  readonly cells: readonly PrecisionCell[];
  /** Means over the tasks' means. */
  readonly accuracy: Readonly<Record<Precision, number>>;
  readonly agreement: number;
  readonly unrounded: { readonly accuracy: number; readonly agreement: number };
  /** Of the largest adapter. */
  readonly bytesMax: number;
  /** Points of accuracy that int8 may cost in the mean. */
  readonly lossPoints: { readonly value: number; readonly target: number; readonly met: boolean };
}

const LOSS_POINTS_TARGET = 0.3;

/** Trained as the trainer trains by default, in fp32. */
export async function measurePrecision(
  { backbone, tasks, testRowsMax, threads }: MeasurePrecisionRequest,
  io: BenchIo,
): Promise<PrecisionResults> {
  const classifiers = await createClassifiers(backbone, threads);
  const cells: PrecisionCell[] = [];
  try {
    for (const files of tasks) {
      const { task, seed } = files;
      const { train: dataset, test } = await readTask(files, testRowsMax);
      const onProgress = createTrainingProgress(io, `${task} ${seed}`);
      const asked = requestOf("softgate", { layers: backbone.config.layers, seed });
      const shared = { backbone, dataset, ...asked, threads, onProgress };
      const { adapter } = await train(shared);
      const { adapter: unrounded } = await train({ ...shared, ablation: { rounded: false } });
      const { config, weights } = serializeAdapter(adapter, backbone);
      const actual = classesOf(test, adapter.labels, files.test);
      const named = { key: `${task}/${seed}`, adapter };
      const [fp32, int8] = [
        await predictClasses(classifiers.fp32, named, test),
        await predictClasses(classifiers.int8, named, test),
      ];
      const exact = await predictClasses(
        classifiers.fp32,
        { key: `${named.key}/unrounded`, adapter: unrounded },
        test,
      );
      const figures = {
        fp32: evaluate(actual, fp32, adapter.labels),
        int8: evaluate(actual, int8, adapter.labels),
      };
      const cell: PrecisionCell = {
        ...{ task, seed },
        accuracy: { fp32: figures.fp32.accuracy, int8: figures.int8.accuracy },
        macroF1: { fp32: figures.fp32.macroF1, int8: figures.int8.macroF1 },
        agreement: agreementOf(fp32, int8),
        unrounded: {
          accuracy: evaluate(actual, exact, adapter.labels).accuracy,
          agreement: agreementOf(fp32, exact),
        },
        bytes: config.length + weights.length,
        n: actual.length,
      };
      cells.push(cell);
      io.stderr(
        `${task} ${seed}: fp32 ${percent(cell.accuracy.fp32)}, int8 ${percent(cell.accuracy.int8)}\n`,
      );
    }
  } finally {
    for (const precision of PRECISIONS) await classifiers[precision].close();
  }
  return summarizePrecision(cells);
}

function agreementOf(one: readonly number[], other: readonly number[]): number {
  return mean(one.map((label, row) => (label === other[row] ? 1 : 0)));
}

async function createClassifiers(
  backbone: Backbone,
  threads: number,
): Promise<Record<Precision, Classifier>> {
  const create = (precision: Precision) => createClassifier(backbone, { threads, precision });
  return { fp32: await create("fp32"), int8: await create("int8") };
}

export function summarizePrecision(cells: readonly PrecisionCell[]): PrecisionResults {
  const tasks = [...new Set(cells.map(({ task }) => task))];
  const overTasks = (figure: (cell: PrecisionCell) => number) =>
    mean(tasks.map((task) => mean(cells.filter((cell) => cell.task === task).map(figure))));
  const accuracy = {
    fp32: overTasks((cell) => cell.accuracy.fp32),
    int8: overTasks((cell) => cell.accuracy.int8),
  };
  const value = 100 * (accuracy.fp32 - accuracy.int8);
  return {
    cells,
    accuracy,
    agreement: overTasks((cell) => cell.agreement),
    unrounded: {
      accuracy: overTasks((cell) => cell.unrounded.accuracy),
      agreement: overTasks((cell) => cell.unrounded.agreement),
    },
    bytesMax: Math.max(...cells.map(({ bytes }) => bytes)),
    lossPoints: { value, target: LOSS_POINTS_TARGET, met: value <= LOSS_POINTS_TARGET },
  };
}
