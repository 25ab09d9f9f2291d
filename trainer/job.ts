// The light door of the trainer: what a job is. States and transitions in one table.
import type { JobOrigin } from "./job-observer.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingReport } from "./report.ts";

export { TrainerError, type TrainerErrorCode } from "./errors.ts";
export type { JobObserver, JobOrigin } from "./job-observer.ts";
export { type TrainOptions, trainOptionsSchema } from "./options.ts";
export type { TrainingPhase, TrainingProgress, TrainingReport } from "./report.ts";

export type JobState = "queued" | "running" | "succeeded" | "failed";

export const transitions = {
  queued: ["running", "failed"],
  running: ["succeeded", "failed"],
  succeeded: [],
  failed: [],
} satisfies Record<JobState, readonly JobState[]>;

export interface Job {
  readonly id: string;
  readonly adapterName: string;
  readonly datasetId: string;
  readonly options: TrainOptions;
  readonly state: JobState;
  readonly phase?: string;
  /** 0 … 1. */
  readonly progress: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly origin?: JobOrigin;
  /** For history and audit of what it publishes. */
  readonly submittedBy?: { readonly id: string; readonly requestId?: string };
  readonly report?: TrainingReport;
  /** Set when succeeded. */
  readonly adapter?: {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
    /** Why the alias production was not moved to it; absent where it was. */
    readonly heldBack?: string;
  };
  /** Set when failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

export type JobRequest = Pick<Job, "adapterName" | "datasetId" | "options" | "origin" | "submittedBy">;

/** Takes jobs, trains one at a time in a child process, publishes. Bounded: throws TrainerError queue_full. */
export interface JobQueue {
  submit(tenant: string, request: JobRequest): Promise<Job>;
  /** Undefined when the tenant has no such job. */
  get(tenant: string, id: string): Promise<Job | undefined>;
  /** Stops taking jobs, ends the running child. */
  close(): Promise<void>;
}
