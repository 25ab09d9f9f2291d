// Cells → one row per task: mean and deviation over the splits of each method, and what prompts add.
import { mean, standardDeviation } from "../statistics.ts";
import { percent, textTable } from "../text-table.ts";
import { type Cell, METHODS } from "./cell.ts";

export interface MethodSummary {
  readonly splits: number;
  readonly accuracy: { readonly mean: number; readonly sd: number };
  readonly macroF1: { readonly mean: number; readonly sd: number };
  /** Mean of the trainings. */
  readonly seconds: number;
}

export interface TaskSummary {
  readonly task: string;
  readonly spt: MethodSummary;
  readonly logistic_regression: MethodSummary;
  /** Mean accuracy of SPT less that of logistic regression, in percentage points. */
  readonly gainPoints: number;
}

export function summarizeCells(cells: readonly Cell[]): TaskSummary[] {
  return [...new Set(cells.map(({ task }) => task))].map((task) => {
    const of = (method: Cell["method"]) =>
      methodSummary(cells.filter((cell) => cell.task === task && cell.method === method));
    const [spt, probe] = [of("spt"), of("logistic_regression")];
    const gainPoints = 100 * (spt.accuracy.mean - probe.accuracy.mean);
    return { task, spt, logistic_regression: probe, gainPoints };
  });
}

function methodSummary(cells: readonly Cell[]): MethodSummary {
  const spread = (values: readonly number[]) => ({ mean: mean(values), sd: standardDeviation(values) });
  return {
    splits: cells.length,
    accuracy: spread(cells.map(({ accuracy }) => accuracy)),
    macroF1: spread(cells.map(({ macroF1 }) => macroF1)),
    seconds: mean(cells.map(({ seconds }) => seconds)),
  };
}

export function describeCells(cells: readonly Cell[]): string {
  const summaries = summarizeCells(cells);
  const rows = summaries.flatMap((summary) =>
    METHODS.map((method) => {
      const { splits, accuracy, macroF1, seconds } = summary[method];
      const figure = (value: { mean: number; sd: number }) =>
        `${percent(value.mean)} ± ${(100 * value.sd).toFixed(1)}`;
      const gain =
        method === "spt" ? `${summary.gainPoints >= 0 ? "+" : ""}${summary.gainPoints.toFixed(1)}` : "";
      const name = `${summary.task} ${method}`;
      return [name, splits.toFixed(), figure(accuracy), figure(macroF1), gain, seconds.toFixed(1)];
    }),
  );
  return (
    "Mean ± standard deviation over the splits; GAIN is SPT's mean accuracy over logistic regression's.\n\n" +
    textTable([["TASK AND METHOD", "SPLITS", "ACCURACY", "MACRO-F1", "GAIN", "TRAINING S"], ...rows])
  );
}
