// Takes jobs and runs them one at a time, tenants in turn. Bounded. How a training runs is passed in,
// so nothing native is loaded here.
import type { Registry, TenantId } from "#registry";
import { FairQueue } from "./fair-queue.ts";
import { type Job, type JobQueue, type JobRequest, TrainerError } from "./job.ts";
import { JOB_INTERRUPTED, type JobError, jobErrorOf } from "./job-error.ts";
import { JobLedger } from "./job-ledger.ts";
import { jobLogFields } from "./job-observer.ts";
import { parseJobRecord } from "./job-record.ts";
import { type RunJobOptions, runJob } from "./run-job.ts";

export interface JobQueueOptions extends RunJobOptions {
  readonly registry: RunJobOptions["registry"] & Pick<Registry, "putJob" | "getJob" | "listUnfinishedJobs">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Unique over all servers of the store: letters, digits and "-", at most 64. */
  readonly randomId: () => string;
  /** Jobs that may wait, of all tenants. Default 100. */
  readonly queueLengthMax?: number;
  /** Jobs that may wait of one tenant. Default half of queueLengthMax, so that none fills the queue. */
  readonly queueLengthPerTenantMax?: number;
  /** Longest training; a longer one fails. Default one hour. */
  readonly trainMsMax?: number;
  readonly log: (event: Record<string, unknown>) => void;
}

export interface RecoverableJobQueue extends JobQueue {
  /**
   * Once, at start or beside it: jobs that an earlier process left unfinished become failed, job_interrupted. Asks the
   * store once for each tenant.
   */
  recover(): Promise<void>;
}

export const QUEUE_LENGTH_MAX = 100;
export const TRAIN_MS_MAX = 60 * 60 * 1_000;

export function createJobQueue(options: JobQueueOptions): RecoverableJobQueue {
  return new OneAtATimeQueue(options);
}

interface Task {
  readonly tenant: TenantId;
  readonly job: Job;
  /** Settles when the job's first record is written, or was refused. */
  readonly opened: Promise<void>;
}

class OneAtATimeQueue implements RecoverableJobQueue {
  readonly #options: JobQueueOptions;
  readonly #ledger: JobLedger;
  readonly #waiting = new FairQueue<Task>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
    this.#ledger = new JobLedger(options);
  }

  async submit(tenant: string, request: JobRequest): Promise<Job> {
    this.#requireRoom(tenant);
    const owner = tenant as TenantId; // The caller authenticated it.
    const createdAt = new Date(this.#options.now()).toISOString();
    const id = this.#options.randomId();
    const job: Job = { id, ...request, state: "queued", progress: 0, createdAt, updatedAt: createdAt };
    // In line before its record is written: the limits hold for jobs submitted together.
    const opened = this.#ledger.open(owner, job);
    this.#waiting.add(tenant, { tenant: owner, job, opened });
    this.#startNext();
    await opened;
    return job;
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    return this.#ledger.get(tenant as TenantId, id);
  }

  async recover(): Promise<void> {
    for (const { tenant, id, record } of await this.#options.registry.listUnfinishedJobs()) {
      if (this.#ledger.knows(id)) continue;
      try {
        this.#ledger.adopt(tenant, parseJobRecord(record));
      } catch (error) {
        this.#options.log({ event: "job_record_unreadable", jobId: id, error: String(error) });
        continue;
      }
      await this.#ledger.move(id, "failed", { error: JOB_INTERRUPTED });
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const interrupted = this.#waiting.takeAll().map((task) => this.#fail(task, JOB_INTERRUPTED));
    await Promise.allSettled([...interrupted, this.#running]);
  }

  /** Throws queue_full. */
  #requireRoom(tenant: string): void {
    const { queueLengthMax = QUEUE_LENGTH_MAX } = this.#options;
    const { queueLengthPerTenantMax = Math.ceil(queueLengthMax / 2) } = this.#options;
    if (this.#stop.signal.aborted)
      throw queueFull("The server is stopping; submit the job again in a moment.");
    if (this.#waiting.length >= queueLengthMax) {
      throw queueFull(`${queueLengthMax} jobs are waiting, the limit of this server; submit this one later.`);
    }
    if (this.#waiting.lengthOf(tenant) >= queueLengthPerTenantMax) {
      throw queueFull(
        `${queueLengthPerTenantMax} of your jobs are waiting, the limit; submit this one later.`,
      );
    }
  }

  #startNext(): void {
    if (this.#running || this.#stop.signal.aborted) return;
    const task = this.#waiting.take();
    if (!task) return;
    this.#running = this.#run(task)
      .catch((error: unknown) => this.#log("job_lost", task, { error: errorText(error) }))
      .finally(() => {
        this.#running = undefined;
        this.#startNext();
      });
  }

  /** A job's failure is the job's; this rejects only for a broken invariant. */
  async #run(task: Task): Promise<void> {
    const { id } = task.job;
    const { now } = this.#options;
    const startedAtMs = now();
    const tooLong = AbortSignal.timeout(this.#options.trainMsMax ?? TRAIN_MS_MAX);
    try {
      await task.opened;
      this.#log("job_started", task);
      await this.#ledger.move(id, "running");
      const { adapter, report } = await runJob(
        {
          tenant: task.tenant,
          job: task.job,
          signal: AbortSignal.any([this.#stop.signal, tooLong]),
          onProgress: (progress) => this.#ledger.progress(id, progress),
        },
        this.#options,
      );
      await this.#ledger.move(id, "succeeded", { progress: 1, adapter, report });
      this.#log("job_succeeded", task, { adapterDigest: adapter.digest, durationMs: now() - startedAtMs });
    } catch (error) {
      const jobError = this.#errorOf(error, tooLong);
      const reason = isOfUpload(error) ? {} : { error: errorText(error) };
      this.#log("job_failed", task, { code: jobError.code, durationMs: now() - startedAtMs, ...reason });
      await this.#fail(task, jobError);
    }
  }

  #log(event: string, { tenant, job }: Task, more: Record<string, unknown> = {}): void {
    this.#options.log({ event, ...jobLogFields({ ...job, tenant }), ...more });
  }

  #errorOf(error: unknown, tooLong: AbortSignal): JobError {
    if (this.#stop.signal.aborted) return JOB_INTERRUPTED;
    if (!tooLong.aborted) return jobErrorOf(error);
    return { code: "training_failed", message: "The training took longer than this server allows." };
  }

  /** A job whose first record was refused is unknown: its submitter was told. */
  async #fail(task: Task, error: JobError): Promise<void> {
    const isOpened = await task.opened.then(
      () => true,
      () => false,
    );
    if (isOpened) await this.#ledger.move(task.job.id, "failed", { error });
  }
}

function queueFull(message: string): TrainerError {
  return new TrainerError("queue_full", message);
}

/** Its message quotes the file: it is for the job's owner, not for the log. */
function isOfUpload(error: unknown): boolean {
  return error instanceof TrainerError && ["invalid_dataset", "dataset_too_large"].includes(error.code);
}

/** With its cause: of a training that broke, what its process said at the end. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? error.message;
  return error.cause === undefined ? text : `${text}\ncaused by ${errorText(error.cause)}`;
}
