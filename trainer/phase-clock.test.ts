import { expect, test } from "vitest";
import { createPhaseClock } from "./phase-clock.ts";
import { LOSS_HISTORY_MAX, type TrainingProgress } from "./report.ts";

const SETTINGS = { searchSteps: 4, validationSteps: 3, validationTrials: 2, retrainSteps: 5, reportSteps: 2 };

test("progress counts a search step thrice, starts at 0, ends at 1 and never falls", () => {
  const reported: TrainingProgress[] = [];
  const clock = createPhaseClock((progress) => reported.push(progress));
  clock.start("embed");
  clock.plan(SETTINGS);
  for (const [phase, steps] of [
    ["search", 4],
    ["validate", 6],
    ["retrain", 5],
  ] as const) {
    clock.start(phase);
    for (let step = 1; step <= steps; step++) clock.step({ loss: 1 / step });
  }
  clock.start("head");
  clock.start("report");
  for (let step = 1; step <= 2; step++) clock.step({ loss: 1 / step });
  const phases = clock.finish();
  // embed 5, search 3 · 4, validate 3 · 2, retrain 5, head 5, report 2.
  const at = (cost: number) => cost / 35;
  const search = [5, 8, 11, 14, 17].map(at);
  const validate = [17, 18, 19, 20, 21, 22, 23].map(at);
  const retrain = [23, 24, 25, 26, 27, 28].map(at);
  const report = [33, 34, 35].map(at);
  const expected = [0, ...search, ...validate, ...retrain, at(28), ...report, 1];
  expect(reported.map(({ progress }) => progress)).toEqual(expected);
  expect(reported.at(2)).toMatchObject({ phase: "search", step: 1, steps: 4, loss: 1 });
  expect(phases.map(({ name, steps, loss }) => ({ name, steps, loss }))).toEqual([
    { name: "embed", steps: 0, loss: undefined },
    { name: "search", steps: 4, loss: 1 / 4 },
    { name: "validate", steps: 6, loss: 1 / 6 },
    { name: "retrain", steps: 5, loss: 1 / 5 },
    { name: "head", steps: 0, loss: undefined },
    { name: "report", steps: 2, loss: 1 / 2 },
  ]);
  expect(clock.seconds()).toBeGreaterThanOrEqual(phases.reduce((sum, { seconds }) => sum + seconds, 0));
});

test("the loss of each step is kept with its number, of many an even part with the first and the last", () => {
  const clock = createPhaseClock(undefined);
  clock.start("search");
  for (const loss of [3, 2]) clock.step({ loss });
  clock.start("retrain");
  for (let step = 1; step <= 5 * LOSS_HISTORY_MAX; step++) clock.step({ loss: 1 / step });
  const [search, retrain] = clock.finish();
  expect(search?.lossHistory).toEqual([
    { step: 1, loss: 3 },
    { step: 2, loss: 2 },
  ]);
  expect(retrain?.lossHistory).toHaveLength(LOSS_HISTORY_MAX);
  expect(retrain?.lossHistory?.[0]).toEqual({ step: 1, loss: 1 });
  expect(retrain?.lossHistory?.at(-1)).toEqual({
    step: 5 * LOSS_HISTORY_MAX,
    loss: 1 / (5 * LOSS_HISTORY_MAX),
  });
});

test("a phase without a loss has none in the report, not an undefined one", () => {
  const clock = createPhaseClock(undefined);
  clock.start("embed");
  expect(Object.keys(clock.finish()[0] ?? {})).toEqual(["name", "seconds", "steps"]);
});

test("progress ends at 1 even where the last phases are left out", () => {
  const reported: number[] = [];
  const clock = createPhaseClock(({ progress }) => reported.push(progress));
  clock.start("embed");
  clock.plan(SETTINGS);
  clock.start("validate");
  clock.finish();
  expect(reported.at(-1)).toBe(1);
  expect(reported.slice(0, -1).every((progress) => progress < 1)).toBe(true);
});
