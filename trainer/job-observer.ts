// What a job tells whoever logs, counts or traces it. Ids and numbers alone: no texts.

/** The request that a job came from. */
export interface JobOrigin {
  readonly requestId: string;
  /** W3C trace context: the job's steps go on in this trace. */
  readonly traceparent?: string;
}

export interface ObservedJob {
  readonly id: string;
  readonly tenant: string;
  readonly origin?: JobOrigin;
}

export interface StepNotes {
  /** The step's next phase begins; the one before it ends. Said again, it is the same phase. */
  phaseStarted(phase: string): void;
  note(facts: Readonly<Record<string, string | number>>): void;
}

export interface JobObserver {
  /** Does the work and settles as it does. */
  step<Value>(
    step: "train" | "publish",
    job: ObservedJob,
    work: (notes: StepNotes) => Promise<Value>,
  ): Promise<Value>;
}

const NO_NOTES: StepNotes = { phaseStarted: () => undefined, note: () => undefined };
export const NO_JOB_OBSERVER: JobObserver = { step: (_step, _job, work) => work(NO_NOTES) };

/** What each log line of a job says. */
export function jobLogFields({ id, tenant, origin }: ObservedJob): Record<string, unknown> {
  const traceId = origin?.traceparent?.split("-")[1];
  return {
    ...{ jobId: id, tenant },
    ...(origin && { requestId: origin.requestId }),
    ...(traceId !== undefined && { traceId }),
  };
}
