import { expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { plotTasks } from "./plot-tasks.ts";
import { summarizeMethods, summarizeTasks } from "./summarize-cells.ts";

const cell = (task: string, method: Cell["method"], accuracy: number): Cell => ({
  ...{ task, method, accuracy, macroF1: accuracy, n: 10, seconds: 1, seed: "13", backbone: "sha256:a" },
  ...{ promptLayers: [], scaleShiftLayers: [] },
});

it("a plot has a row a task and a dot a method, the better one further to the right", () => {
  const tasks = summarizeTasks([
    cell("trec", "softgate", 0.9),
    cell("trec", "logistic_regression", 0.6),
    cell("sst2", "softgate", 0.75),
    cell("sst2", "logistic_regression", 0.75),
  ]);
  const svg = plotTasks(tasks, summarizeMethods(tasks));
  const dots = [...svg.matchAll(/cx="([\d.]+)" cy="[\d.]+" r="4" fill="(#\w+)"><title>(\w+)/g)].map(
    ([, x, color, method]) => ({ x: Number(x), color, method }),
  );
  expect(dots.map(({ method }) => method)).toEqual([
    ...["softgate", "logistic_regression", "softgate", "logistic_regression"],
  ]);
  expect(dots[0]?.x).toBeGreaterThan(dots[1]?.x ?? Number.NaN);
  expect(dots[2]?.x).toBe(dots[3]?.x);
  expect(new Set(dots.map(({ color }) => color)).size).toBe(2);
  for (const text of [">trec<", ">sst2<", "softgate (mean 82.5)"]) expect(svg).toContain(text);
});
