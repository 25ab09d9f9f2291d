// The light door of the trainer: what a job is, which states it may go through and why, and what its queue does.
// All transitions stand in one table; the job database writes each as an event.
import type { JobOrigin } from "./job-observer.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingReport } from "./report.ts";

export { TrainerError, type TrainerErrorCode } from "./errors.ts";
export type { JobObserver, JobOrigin } from "./job-observer.ts";
export { type TrainOptions, trainOptionsSchema } from "./options.ts";
export type { DeviceReport, TrainingPhase, TrainingProgress, TrainingReport } from "./report.ts";

export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

/**
 * submitted; taken: a trainer begins; retry: an attempt failed by what may pass; worker_lost: its trainer was not
 * heard from; worker_stopped: its trainer was ended and gave it back; done; error: it failed by what will not pass;
 * attempts_spent: the last attempt failed, and it is a dead letter; redriven: somebody had a dead letter begun again;
 * asked: somebody cancelled it.
 */
export type JobCause =
  | "submitted"
  | "taken"
  | "retry"
  | "worker_lost"
  | "worker_stopped"
  | "done"
  | "error"
  | "attempts_spent"
  | "redriven"
  | "asked";

/** From each state, where to, and for which causes. Where nothing is of itself, the job is finished. */
export const transitions = {
  queued: { running: ["taken"], cancelled: ["asked"], failed: ["attempts_spent"] },
  running: {
    succeeded: ["done"],
    failed: ["error", "attempts_spent"],
    cancelled: ["asked"],
    queued: ["retry", "worker_lost", "worker_stopped"],
  },
  succeeded: {},
  failed: { queued: ["redriven"] },
  cancelled: {},
} satisfies Record<JobState, Partial<Record<JobState, readonly JobCause[]>>>;

/** Whether it stays so, unless it is redriven. */
export function isFinished(state: JobState): boolean {
  const causes: readonly JobCause[] = Object.values(transitions[state]).flat();
  return causes.every((cause) => cause === "redriven");
}

/** Whether the table has it. */
export function isTransition(from: JobState, to: JobState, cause: JobCause): boolean {
  const causes: Partial<Record<JobState, readonly JobCause[]>> = transitions[from];
  return causes[to]?.includes(cause) ?? false;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
}

/** A training on an adapter's dataset with feedback, whose version is for the alias candidate. */
export interface Retraining {
  /** Of the adapter, that the alias production pointed at when it was asked for. */
  readonly version: number;
  /** So many rows of the dataset come first and are that version's; those after them are feedback. */
  readonly rowsBefore: number;
}

export interface Job {
  readonly id: string;
  readonly adapterName: string;
  readonly datasetId: string;
  readonly options: TrainOptions;
  /** Absent where its version is for the alias production. */
  readonly retraining?: Retraining;
  readonly state: JobState;
  /** Trainings that were begun for it. */
  readonly attempt: number;
  /** Among the tenant's own jobs, the highest first. */
  readonly priority: number;
  readonly phase?: string;
  /** 0 … 1. */
  readonly progress: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly origin?: JobOrigin;
  /** For history and audit of what it publishes. */
  readonly submittedBy?: { readonly id: string; readonly requestId?: string };
  /** Of a job that is read alone; lists leave it out. */
  readonly report?: TrainingReport;
  /** Set when succeeded. */
  readonly adapter?: {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
    /** Why its alias was not moved to it; absent where it was. */
    readonly heldBack?: string;
  };
  /** Set when failed, and while another attempt waits: why the one before failed. */
  readonly error?: JobError;
  /** Of a dead letter: it failed as often as it may, by what may pass, and can be redriven. */
  readonly isRetriable?: true;
}

export interface JobRequest
  extends Pick<Job, "adapterName" | "datasetId" | "options" | "retraining" | "origin" | "submittedBy"> {
  /** PRIORITY_MIN … PRIORITY_MAX; default 0. */
  readonly priority?: number;
  /** Of the tenant: submitted again with it, the same request is the same job. At most 255 characters. */
  readonly idempotencyKey?: string;
}

export const PRIORITY_MIN = -10;
export const PRIORITY_MAX = 10;
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;
/** A dead letter can be redriven for so long. */
export const DEAD_LETTER_DAYS_MAX = 30;
/** The longest that trainers may be told to train for. */
export const TRAIN_MS_MAX_LONGEST = 20 * 60 * 60 * 1_000;

/** One line of a job's log; seq counts from 1 without gaps. */
export interface JobEvent {
  readonly seq: number;
  readonly at: string;
  readonly data: JobEventData;
}

export type JobEventData =
  | {
      readonly type: "state";
      readonly state: JobState;
      readonly cause: JobCause;
      readonly attempt: number;
      readonly error?: JobError;
      readonly adapter?: NonNullable<Job["adapter"]>;
    }
  | {
      readonly type: "progress";
      readonly phase: string;
      readonly progress: number;
      readonly step?: number;
      readonly steps?: number;
      readonly loss?: number;
      /** While insertions are searched: how open each candidate's gate is, in the order of the report's gates. */
      readonly gates?: readonly number[];
    }
  | { readonly type: "gates"; readonly gates: TrainingReport["gates"] }
  | {
      readonly type: "metrics";
      readonly heldOut: { readonly n: number; readonly accuracy: number; readonly macroF1: number };
      readonly seconds: number;
    };

export interface JobsPage {
  /** The last job of the page before. */
  readonly after?: string;
  readonly limit: number;
  readonly adapterName?: string;
  readonly state?: JobState;
}

export const WEBHOOK_EVENTS = ["job.succeeded", "job.failed", "job.cancelled"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly createdAt: string;
}

/** Where a tenant is told of its jobs' ends. */
export interface WebhookStore {
  /** The secret that its messages are signed with is answered here alone. Throws webhook_url_refused, webhook_limit. */
  create(
    tenant: string,
    webhook: { url: string; events: readonly WebhookEvent[] },
  ): Promise<WebhookRecord & { secret: string }>;
  /** The oldest first. */
  list(tenant: string): Promise<WebhookRecord[]>;
  /** False when the tenant has none of this id. */
  remove(tenant: string, id: string): Promise<boolean>;
}

/**
 * Every method throws TrainerError jobs_unavailable while the job database is not to be had. Of a job that is not the
 * tenant's each answers undefined, as of one that never was.
 */
export interface JobQueue {
  readonly webhooks: WebhookStore;
  /** Throws queue_full, job_key_reused. */
  submit(tenant: string, request: JobRequest): Promise<Job>;
  get(tenant: string, id: string): Promise<Job | undefined>;
  /** As get, but not before the job is finished, the time is over or the signal is aborted. */
  wait(
    tenant: string,
    id: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<Job | undefined>;
  /** The newest first. Undefined when `after` is no job of the tenant. */
  list(tenant: string, page: JobsPage): Promise<{ jobs: Job[]; hasMore: boolean } | undefined>;
  /** Of a job that is cancelled already, that. Throws job_not_cancellable once it is finished or publishes. */
  cancel(tenant: string, id: string): Promise<Job | undefined>;
  /**
   * A dead letter, in line again with its attempts before it. Throws job_not_retriable of any other job and of one that has
   * been a dead letter for too long, and queue_full.
   */
  retry(tenant: string, id: string): Promise<Job | undefined>;
  /**
   * Those after a sequence number, then, unless `follows` is false, each as it comes; ends with the job, or when the
   * signal is aborted.
   */
  events(
    tenant: string,
    id: string,
    options?: { after?: number; signal?: AbortSignal; follows?: boolean },
  ): Promise<AsyncIterable<JobEvent> | undefined>;
  close(): Promise<void>;
}
