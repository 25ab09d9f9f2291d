// Keeps time per phase and turns steps into one progress from 0 to 1.
import type { TrainingPhase, TrainingProgress, TrainingReport } from "./report.ts";
import type { Settings } from "./settings.ts";

export interface PhaseClock {
  start(phase: TrainingPhase): void;
  /** One optimizer step is done. */
  step(step: { loss: number; gates?: readonly number[] }): void;
  /** Ends the running phase and returns all. */
  finish(): TrainingReport["phases"];
  seconds(): number;
}

/** A search step runs three passes where another runs one; the rest weighs as a few steps. */
const SEARCH_STEP_COST = 3;
const OTHER_PHASE_COST = 5;

interface Phase {
  name: TrainingPhase;
  started: number;
  seconds: number;
  steps: number;
  loss?: number;
}

export function createPhaseClock(
  settings: Pick<Settings, "searchSteps" | "validationSteps" | "validationTrials" | "retrainSteps">,
  onProgress: ((progress: TrainingProgress) => void) | undefined,
): PhaseClock {
  const plan = {
    embed: { steps: 1, cost: OTHER_PHASE_COST },
    search: { steps: settings.searchSteps, cost: settings.searchSteps * SEARCH_STEP_COST },
    validate: {
      steps: settings.validationSteps * settings.validationTrials,
      cost: settings.validationSteps * settings.validationTrials,
    },
    retrain: { steps: settings.retrainSteps, cost: settings.retrainSteps },
    head: { steps: 1, cost: OTHER_PHASE_COST },
  } satisfies Record<TrainingPhase, { steps: number; cost: number }>;
  const total = Object.values(plan).reduce((sum, { cost }) => sum + cost, 0);
  const began = performance.now();
  const phases: Phase[] = [];
  let doneCost = 0;

  function end(): void {
    const phase = phases.at(-1);
    if (!phase) return;
    phase.seconds = (performance.now() - phase.started) / 1000;
    doneCost += plan[phase.name].cost;
  }

  function report(step: number, extra: { loss?: number; gates?: readonly number[] }): void {
    const phase = phases.at(-1);
    if (!phase) return;
    const { steps, cost } = plan[phase.name];
    const progress = Math.min(1, (doneCost + (cost * step) / steps) / total);
    onProgress?.({ phase: phase.name, progress, step, steps, ...extra });
  }

  return {
    start(name) {
      end();
      phases.push({ name, started: performance.now(), seconds: 0, steps: 0 });
      report(0, {});
    },
    step({ loss, gates }) {
      const phase = phases.at(-1);
      if (!phase) return;
      phase.steps += 1;
      phase.loss = loss;
      report(phase.steps, gates ? { loss, gates } : { loss });
    },
    finish() {
      end();
      const phase = phases.at(-1);
      if (phase) onProgress?.({ phase: phase.name, progress: 1, step: phase.steps, steps: phase.steps });
      return phases.map(({ started: _, ...phase }) => phase);
    },
    seconds: () => (performance.now() - began) / 1000,
  };
}
