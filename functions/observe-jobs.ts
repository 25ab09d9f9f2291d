// A job's steps, train and publish, go on in the trace of the request that asked for it.
import type { JobObserver } from "#trainer/job";
import { Scope, type Timings, type Tracer } from "./scope.ts";

export function observeJobs(tracer: Tracer, timings: Timings): JobObserver {
  return {
    step(step, { id, tenant, origin }, work) {
      const scope = new Scope(tracer.resume(origin?.traceparent), timings);
      return scope.step(step, async (inner) => {
        inner.note({ tenant, job_id: id, ...(origin && { request_id: origin.requestId }) });
        const phases = new Phases(inner);
        try {
          return await work({
            phaseStarted: (phase) => phases.start(phase),
            note: (facts) => inner.note(facts),
          });
        } finally {
          phases.end();
        }
      });
    },
  };
}

/** One after the other: a phase ends where the next begins. */
class Phases {
  readonly #scope: Scope;
  #running: { readonly name: string; readonly startedMs: number } | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  start(name: string): void {
    if (this.#running?.name === name) return;
    this.end();
    this.#running = { name, startedMs: performance.now() };
  }

  end(): void {
    if (this.#running) this.#scope.phaseEnded(this.#running.name, this.#running.startedMs, performance.now());
    this.#running = undefined;
  }
}
