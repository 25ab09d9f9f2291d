// One request's or job's way through the six steps: each is timed for the metrics, and is a span of a trace
// where traces are on. Loads no library: trace-otlp.ts has the real spans. Never told: texts, names, messages
// of errors.
import { codeOf } from "./problem.ts";
import { parseTraceparent } from "./traceparent.ts";

export type Step = "upload" | "dataset" | "train" | "publish" | "resolve" | "classify";
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** A span that has begun. */
export interface OpenSpan {
  /** Of this span, for what goes on elsewhere: a job, another process. */
  readonly traceparent: string | undefined;
  /** From now, or from a time on the clock of performance.now(). */
  child(name: string, startedMs?: number): OpenSpan;
  set(facts: Facts): void;
  /** As set, of what is Softgate's own: each name behind "softgate.". */
  note(facts: Facts): void;
  /** Once. With an error's code it counts as failed. */
  end(outcome?: { name?: string; endedMs?: number; errorCode?: string }): void;
}

export interface Tracer {
  /** A server's span for a request, in the caller's trace where it named one. */
  startRequest(traceparent: string | undefined): OpenSpan;
  /** A span that ended elsewhere, to have children here. */
  resume(traceparent: string | undefined): OpenSpan;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** What metrics are told. Steps and phases are few and known; no tenants, no adapters. */
export interface Timings {
  stepEnded(step: Step, outcome: "done" | "failed", milliseconds: number): void;
  phaseEnded(step: Step, phase: string, milliseconds: number): void;
}

export const NO_TIMINGS: Timings = { stepEnded: () => undefined, phaseEnded: () => undefined };

/** Records nothing, and passes the caller's trace on. */
export const NO_TRACER: Tracer = { startRequest: passOn, resume: passOn, close: async () => undefined };

function passOn(given: string | undefined): OpenSpan {
  const span: OpenSpan = {
    traceparent: parseTraceparent(given) && given,
    child: () => span,
    set: () => undefined,
    note: () => undefined,
    end: () => undefined,
  };
  return span;
}

export class Scope {
  readonly #span: OpenSpan;
  readonly #timings: Timings;
  readonly #step: Step | undefined;

  constructor(span: OpenSpan, timings: Timings, step?: Step) {
    this.#span = span;
    this.#timings = timings;
    this.#step = step;
  }

  get traceparent(): string | undefined {
    return this.#span.traceparent;
  }

  get traceId(): string | undefined {
    return this.traceparent?.split("-")[1];
  }

  /** Timed alike, without spans: for what a request does any number of times. */
  untraced(): Scope {
    return new Scope(passOn(undefined), this.#timings, this.#step);
  }

  /** Settles as the work does. */
  async step<Value>(step: Step, work: (scope: Scope) => Promise<Value>): Promise<Value> {
    const span = this.#span.child(step);
    const startedMs = performance.now();
    try {
      const value = await work(new Scope(span, this.#timings, step));
      span.end();
      this.#timings.stepEnded(step, "done", performance.now() - startedMs);
      return value;
    } catch (error) {
      span.end({ errorCode: codeOf(error) });
      this.#timings.stepEnded(step, "failed", performance.now() - startedMs);
      throw error;
    }
  }

  /** Part of a step, when it is over; on the clock of performance.now(). */
  phaseEnded(phase: string, startedMs: number, endedMs: number): void {
    this.#span.child(phase.replaceAll("_", " "), startedMs).end({ endedMs });
    if (this.#step) this.#timings.phaseEnded(this.#step, phase, endedMs - startedMs);
  }

  /** Ids, digests and numbers. */
  note(facts: Facts): void {
    this.#span.note(facts);
  }
}
