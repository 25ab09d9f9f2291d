// A training's progress as a few lines: one when a phase begins, and each quarter of a long one.
import type { TrainingProgress } from "#trainer/job";
import type { BenchIo } from "./io.ts";

const QUARTERS = 4;

export function createTrainingProgress(io: BenchIo, subject: string): (progress: TrainingProgress) => void {
  let shown = "";
  return ({ phase, step, steps, progress, loss }) => {
    const quarter = Math.floor((QUARTERS * step) / Math.max(1, steps));
    if (shown === `${phase} ${quarter}`) return;
    shown = `${phase} ${quarter}`;
    const done = `${Math.floor(progress * 100)}`.padStart(3);
    const lossText = loss === undefined ? "" : `  loss ${loss.toFixed(3)}`;
    io.stderr(`${subject}  ${done} %  ${phase} ${step} of ${steps}${lossText}\n`);
  };
}
