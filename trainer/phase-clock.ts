// Keeps time per phase and turns steps into one progress from 0 to 1.
import {
  LOSS_HISTORY_MAX,
  type LossPoint,
  type TrainingPhase,
  type TrainingProgress,
  type TrainingReport,
} from "./report.ts";
import { sampleEvenly } from "./sample-evenly.ts";
import type { Settings } from "./settings.ts";

export interface PhaseClock {
  /** What is ahead. Until it is known, progress is 0. */
  plan(steps: PlannedSteps): void;
  start(phase: TrainingPhase): void;
  /** One optimizer step is done. */
  step(step: { loss: number; gates?: readonly number[] }): void;
  /** Ends the running phase and returns all. */
  finish(): TrainingReport["phases"];
  seconds(): number;
}

const PHASES = [
  "embed",
  "search",
  "validate",
  "retrain",
  "head",
  "report",
] as const satisfies TrainingPhase[];

/** A search step runs three passes where another runs one; the rest weighs as a few steps. */
const SEARCH_STEP_COST = 3;
const OTHER_PHASE_COST = 5;

type PlannedSteps = Pick<
  Settings,
  "searchSteps" | "validationSteps" | "validationTrials" | "retrainSteps" | "reportSteps"
>;

interface Phase {
  name: TrainingPhase;
  started: number;
  seconds: number;
  steps: number;
  loss?: number;
  /** Of each step; thinned at the end. Steps are bounded by the settings. */
  readonly losses: LossPoint[];
}

const NOTHING_PLANNED: PlannedSteps = {
  ...{ searchSteps: 0, validationSteps: 0, validationTrials: 0, retrainSteps: 0, reportSteps: 0 },
};

export function createPhaseClock(onProgress: ((progress: TrainingProgress) => void) | undefined): PhaseClock {
  let plan = planOf(NOTHING_PLANNED);
  const began = performance.now();
  const phases: Phase[] = [];
  const done: TrainingPhase[] = [];

  function end(): void {
    const phase = phases.at(-1);
    if (!phase) return;
    phase.seconds = (performance.now() - phase.started) / 1000;
    done.push(phase.name);
  }

  function report(step: number, extra: { loss?: number; gates?: readonly number[] }): void {
    const phase = phases.at(-1);
    if (!phase) return;
    const { steps, cost } = plan[phase.name];
    const costOf = (names: readonly TrainingPhase[]) => names.reduce((sum, name) => sum + plan[name].cost, 0);
    const total = costOf(PHASES);
    const progress = Math.min(1, (costOf(done) + (cost * step) / steps) / total);
    onProgress?.({ phase: phase.name, progress, step, steps, ...extra });
  }

  return {
    plan(steps) {
      plan = planOf(steps);
    },
    start(name) {
      end();
      phases.push({ name, started: performance.now(), seconds: 0, steps: 0, losses: [] });
      report(0, {});
    },
    step({ loss, gates }) {
      const phase = phases.at(-1);
      if (!phase) return;
      phase.steps += 1;
      phase.loss = loss;
      phase.losses.push({ step: phase.steps, loss });
      report(phase.steps, gates ? { loss, gates } : { loss });
    },
    finish() {
      end();
      const phase = phases.at(-1);
      if (phase) onProgress?.({ phase: phase.name, progress: 1, step: phase.steps, steps: phase.steps });
      return phases.map(({ started: _, losses, ...phase }) => ({
        ...phase,
        ...(losses.length > 0 ? { lossHistory: sampleEvenly(losses, LOSS_HISTORY_MAX) } : {}),
      }));
    },
    seconds: () => (performance.now() - began) / 1000,
  };
}

function planOf({ searchSteps, retrainSteps, reportSteps, ...plan }: PlannedSteps) {
  const validation = plan.validationSteps * plan.validationTrials;
  return {
    embed: { steps: 1, cost: OTHER_PHASE_COST },
    search: { steps: searchSteps, cost: searchSteps * SEARCH_STEP_COST },
    validate: { steps: validation, cost: validation },
    retrain: { steps: retrainSteps, cost: retrainSteps },
    head: { steps: 1, cost: OTHER_PHASE_COST },
    report: { steps: reportSteps, cost: reportSteps },
  } satisfies Record<TrainingPhase, { steps: number; cost: number }>;
}
