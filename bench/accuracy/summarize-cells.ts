// Cells → one row per task and method: mean and deviation over the splits, and the methods over all tasks.
import { mean, standardDeviation } from "../statistics.ts";
import { percent, textTable } from "../text-table.ts";
import { type Cell, METHODS, type Method } from "./cell.ts";

interface Spread {
  readonly mean: number;
  /** Of the splits. */
  readonly sd: number;
}

export interface TaskSummary {
  readonly task: string;
  readonly method: Method;
  readonly splits: number;
  readonly accuracy: Spread;
  readonly macroF1: Spread;
  /** Mean of the trainings that were timed; null without one. */
  readonly seconds: number | null;
  /** Mean accuracy less that of logistic regression on the same splits, in points; absent without it. */
  readonly gainPoints?: number;
}

export interface MethodSummary {
  readonly method: Method;
  readonly tasks: number;
  /** Mean over the tasks' means. */
  readonly accuracy: number;
  /** Of the method among all in each task, 1 the best; ties share. Mean over the tasks. */
  readonly rank: number;
  /** Mean over the tasks that were timed; null without one. */
  readonly seconds: number | null;
}

export function summarizeTasks(cells: readonly Cell[]): TaskSummary[] {
  return unique(cells.map(({ task }) => task)).flatMap((task) => {
    const methods = methodsOf(cells.filter((cell) => cell.task === task));
    const summaries = methods.map((method) =>
      taskSummary(
        task,
        method,
        cells.filter((cell) => cell.task === task && cell.method === method),
      ),
    );
    const probe = summaries.find(({ method }) => method === "logistic_regression");
    return summaries.map((summary) =>
      probe && summary !== probe
        ? { ...summary, gainPoints: 100 * (summary.accuracy.mean - probe.accuracy.mean) }
        : summary,
    );
  });
}

export function summarizeMethods(tasks: readonly TaskSummary[]): MethodSummary[] {
  return methodsOf(tasks).map((method) => {
    const own = tasks.filter((summary) => summary.method === method);
    return {
      method,
      tasks: own.length,
      accuracy: mean(own.map(({ accuracy }) => accuracy.mean)),
      rank: mean(own.map((summary) => rankIn(summary, tasks))),
      seconds: meanOfTimed(own),
    };
  });
}

function taskSummary(task: string, method: Method, cells: readonly Cell[]): TaskSummary {
  const spread = (values: readonly number[]) => ({ mean: mean(values), sd: standardDeviation(values) });
  return {
    task,
    method,
    splits: cells.length,
    accuracy: spread(cells.map(({ accuracy }) => accuracy)),
    macroF1: spread(cells.map(({ macroF1 }) => macroF1)),
    seconds: meanOfTimed(cells),
  };
}

function meanOfTimed(measured: readonly { readonly seconds: number | null }[]): number | null {
  const timed = measured.flatMap(({ seconds }) => seconds ?? []);
  return timed.length === 0 ? null : mean(timed);
}

function rankIn({ task, accuracy }: TaskSummary, all: readonly TaskSummary[]): number {
  const others = all.filter((summary) => summary.task === task).map((summary) => summary.accuracy.mean);
  const better = others.filter((value) => value > accuracy.mean).length;
  const equal = others.filter((value) => value === accuracy.mean).length;
  return better + (equal + 1) / 2;
}

function methodsOf(cells: readonly { readonly method: Method }[]): Method[] {
  return METHODS.filter((method) => cells.some((cell) => cell.method === method));
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

export function describeCells(cells: readonly Cell[]): string {
  const tasks = summarizeTasks(cells);
  const figure = (value: Spread) => `${percent(value.mean)} ± ${(100 * value.sd).toFixed(1)}`;
  const taskRows = tasks.map(({ task, method, splits, accuracy, macroF1, gainPoints, seconds }) => [
    `${task} ${method}`,
    splits.toFixed(),
    figure(accuracy),
    figure(macroF1),
    gainPoints === undefined ? "" : `${gainPoints >= 0 ? "+" : ""}${gainPoints.toFixed(1)}`,
    describeSeconds(seconds),
  ]);
  const methodRows = summarizeMethods(tasks).map((summary) => [
    summary.method,
    summary.tasks.toFixed(),
    percent(summary.accuracy),
    summary.rank.toFixed(2),
    describeSeconds(summary.seconds),
  ]);
  return (
    "Mean ± standard deviation over the splits; GAIN is mean accuracy over logistic regression's, in points.\n\n" +
    `${textTable([["TASK AND METHOD", "SPLITS", "ACCURACY", "MACRO-F1", "GAIN", "TRAINING S"], ...taskRows])}\n` +
    textTable([["METHOD", "TASKS", "MEAN ACCURACY", "MEAN RANK", "TRAINING S"], ...methodRows])
  );
}

function describeSeconds(seconds: number | null): string {
  return seconds === null ? "" : seconds.toFixed(1);
}
