import { expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { markdownTable } from "./markdown-table.ts";
import { summarizeMethods, summarizeTasks } from "./summarize-cells.ts";

const cell = (task: string, seed: string, method: Cell["method"], accuracy: number): Cell => ({
  ...{ task, method, accuracy, macroF1: accuracy, n: 10, seconds: null, seed, backbone: "sha256:a" },
  ...{ promptLayers: [], scaleShiftLayers: [] },
});

it("a table has a row a method and a column a task, the best bold, and a mean where every task is there", () => {
  const tasks = summarizeTasks([
    cell("trec", "13", "softgate", 0.9),
    cell("trec", "21", "softgate", 0.8),
    cell("trec", "13", "setfit", 0.875),
    cell("sst2", "13", "softgate", 0.7),
    cell("sst2", "21", "softgate", 0.7),
    cell("sst2", "13", "logistic_regression", 0.6),
    cell("sst2", "21", "logistic_regression", 0.5),
    cell("trec", "13", "logistic_regression", 0.5),
    cell("trec", "21", "logistic_regression", 0.5),
  ]);
  expect(markdownTable(tasks, summarizeMethods(tasks)).split("\n").slice(2)).toEqual([
    "| method | trec | sst2 | mean | mean rank |",
    "| --- | --- | --- | --- | --- |",
    "| softgate | 85.0 ± 7.1 | **70.0 ± 0.0** | **77.5** | 1.5 |",
    "| logistic_regression | 50.0 ± 0.0 | 55.0 ± 7.1 | 52.5 | 2.5 |",
    "| setfit | **87.5 ± 0.0** (1) | – | – | – |",
    "",
  ]);
});

it("a table of one split has no deviations", () => {
  const tasks = summarizeTasks([cell("trec", "13", "softgate", 0.9)]);
  const table = markdownTable(tasks, summarizeMethods(tasks));
  expect(table).toContain("in percent, one split.");
  expect(table).toContain("| softgate | **90.0** | **90.0** | 1.0 |");
});
