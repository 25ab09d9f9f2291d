import { expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { describeCells, summarizeMethods, summarizeTasks } from "./summarize-cells.ts";

const cell = (task: string, seed: string, seconds: number | null): Cell => ({
  ...{ task, seed, method: "softgate", accuracy: 0.5, macroF1: 0.5, n: 10, seconds, backbone: "sha256:a" },
  ...{ promptLayers: [], scaleShiftLayers: [] },
});

it("seconds are of timed trainings alone", () => {
  const tasks = summarizeTasks([cell("a", "1", 2), cell("a", "2", null), cell("b", "1", null)]);
  expect(tasks.map(({ seconds }) => seconds)).toEqual([2, null]);
  expect(summarizeMethods(tasks)).toMatchObject([{ tasks: 2, seconds: 2 }]);
  expect(describeCells([cell("b", "1", null)])).not.toMatch(/null|NaN/);
});
