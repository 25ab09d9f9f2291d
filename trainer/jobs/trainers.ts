// Trainers of one process: each takes a job, runs it, says how it ended, and takes the next. How a job is run is
// passed in, so nothing native is loaded here. While one runs its heart beats; when the job is cancelled, or was
// lost and begun elsewhere, the run is ended.
import { JOB_STATES, type Job, TrainerError, type TrainingReport } from "../job.ts";
import { jobErrorOf } from "../job-error.ts";
import { jobLogFields } from "../job-observer.ts";
import type { Attempt, JobAttempts, ProgressData } from "./attempts.ts";
import { writeProgress } from "./progress.ts";
import type { JobSignals } from "./signals.ts";

/**
 * After its time a training has so long to end or to publish. One that hangs is heard of no more then, so that its job is
 * begun elsewhere.
 */
const BEYOND_TRAINING_MS = 10 * 60 * 1_000;
/** What waits for its retry becomes ready with time alone. */
const READY_LOOK_MS = 1_000;

export interface TrainersOptions {
  /** How many; none at 0. */
  readonly count: number;
  /** Jobs of one tenant that may run at once, in all processes. */
  readonly perTenantMax: number;
  /** Longest training; a longer one fails. */
  readonly trainMsMax: number;
  readonly heartbeatMs: number;
  readonly run: RunAttempt;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: (event: Record<string, unknown>) => void;
}

/** Rejects with what the training, the store or the signal do. */
export type RunAttempt = (request: {
  readonly tenant: string;
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ProgressData) => void;
  /** Before the first thing is published; rejects when nothing may be. */
  readonly beginPublishing: () => Promise<void>;
}) => Promise<{ adapter: NonNullable<Job["adapter"]>; report: TrainingReport }>;

/** Why a run was ended from outside. */
class Ended extends Error {
  readonly why: "not_ours" | "stopping" | "too_long";

  constructor(why: Ended["why"]) {
    super(`the attempt ended: ${why}`);
    this.why = why;
  }
}

export class Trainers {
  readonly #attempts: JobAttempts;
  readonly #signals: JobSignals;
  readonly #options: TrainersOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(attempts: JobAttempts, signals: JobSignals, options: TrainersOptions) {
    this.#attempts = attempts;
    this.#signals = signals;
    this.#options = options;
    this.#loops = Array.from({ length: options.count }, () => this.#loop());
  }

  /** Running jobs go back in line. */
  async close(): Promise<void> {
    this.#stop.abort(new Ended("stopping"));
    await Promise.all(this.#loops);
  }

  async #loop(): Promise<void> {
    // One that has ended may have kept another of its tenant from beginning.
    const watch = this.#signals.watch((_, what) => JOB_STATES.some((state) => state === what));
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        const attempt = await this.#take();
        if (attempt) await this.#work(attempt);
        // Where the database did not answer, it is asked less often.
        else await watch.next(attempt === undefined ? { timeoutMs: READY_LOOK_MS, signal } : { signal });
      }
    } finally {
      watch.end();
    }
  }

  /** False where the database refuses. */
  async #take(): Promise<Attempt | false | undefined> {
    try {
      return await this.#attempts.take(this.#options.perTenantMax);
    } catch (error) {
      this.#options.log({ event: "job_not_taken", error: errorText(error) });
      return false;
    }
  }

  /** Resolves also when the database refuses to take the end: then the job is lost to another trainer. */
  async #work(attempt: Attempt): Promise<void> {
    const { now } = this.#options;
    const startedAtMs = now();
    const end = new AbortController();
    const stopped = () => end.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener("abort", stopped, { once: true });
    const heart = this.#keepAlive(attempt, end);
    const limit = setTimeout(() => end.abort(new Ended("too_long")), this.#options.trainMsMax);
    const silence = setTimeout(heart.stop, this.#options.trainMsMax + BEYOND_TRAINING_MS);
    this.#log("job_started", attempt, { attempt: attempt.job.attempt });
    try {
      const done = await this.#run(attempt, end.signal);
      const isOurs = await this.#attempts.succeed(attempt, done);
      const fate = isOurs ? "job_succeeded" : "job_lost";
      this.#log(fate, attempt, { adapterDigest: done.adapter.digest, durationMs: now() - startedAtMs });
    } catch (error) {
      const reason = end.signal.aborted ? end.signal.reason : error;
      await this.#failed(attempt, reason, now() - startedAtMs).catch((failure: unknown) =>
        this.#log("job_lost", attempt, { error: errorText(failure) }),
      );
    } finally {
      clearTimeout(limit);
      clearTimeout(silence);
      heart.stop();
      this.#stop.signal.removeEventListener("abort", stopped);
    }
  }

  async #run({ tenant, job }: Attempt, signal: AbortSignal): ReturnType<RunAttempt> {
    signal.throwIfAborted();
    const attempt = { tenant, job };
    const progress = writeProgress({
      write: (told) => this.#attempts.progress(attempt, told),
      now: this.#options.now,
      onError: (error) => this.#log("job_not_written", attempt, { error: errorText(error) }),
    });
    const beginPublishing = async () => {
      await progress.settle();
      if (!(await this.#attempts.beginPublishing(attempt))) throw new Ended("not_ours");
    };
    try {
      return await this.#options.run({ tenant, job, signal, onProgress: progress.tell, beginPublishing });
    } finally {
      await progress.settle();
    }
  }

  async #failed(attempt: Attempt, reason: unknown, durationMs: number): Promise<void> {
    if (reason instanceof Ended && reason.why === "not_ours")
      return this.#log("job_ended", attempt, { durationMs });
    if (reason instanceof Ended && reason.why === "stopping") {
      await this.#attempts.giveBack(attempt);
      return this.#log("job_given_back", attempt, { durationMs });
    }
    const { mayPass, ...told } =
      reason instanceof Ended ? tooLong(this.#options.trainMsMax) : jobErrorOf(reason);
    const state = mayPass
      ? await this.#attempts.retry(attempt, told)
      : (await this.#attempts.fail(attempt, told)) && "failed";
    const why = isOfUpload(reason) ? {} : { error: errorText(reason) };
    const event = state === "queued" ? "job_retried" : state === "failed" ? "job_failed" : "job_lost";
    this.#log(event, attempt, { code: told.code, attempt: attempt.job.attempt, durationMs, ...why });
  }

  /** Ends the run when the job is no longer ours; a database that does not answer is asked again. */
  #keepAlive(attempt: Attempt, end: AbortController): { stop: () => void } {
    const check = async () => {
      try {
        if (!(await this.#attempts.keepAlive(attempt))) end.abort(new Ended("not_ours"));
      } catch (error) {
        this.#log("job_not_written", attempt, { error: errorText(error) });
      }
    };
    const timer = setInterval(check, this.#options.heartbeatMs);
    const forget = this.#signals.on((id, what) => {
      if (id === attempt.job.id && what === "cancelled") end.abort(new Ended("not_ours"));
    });
    const stop = () => {
      clearInterval(timer);
      forget();
    };
    return { stop };
  }

  #log(event: string, { tenant, job }: Attempt, more: Record<string, unknown> = {}): void {
    this.#options.log({ event, ...jobLogFields({ ...job, tenant }), ...more });
  }
}

function tooLong(trainMsMax: number) {
  const limit = `${Number((trainMsMax / 60_000).toFixed(2))} minutes`;
  const remedy =
    "Submit fewer rows, ask for fewer epochs, or have whoever runs it raise --training-minutes-max or train on a faster --device.";
  return {
    code: "training_failed",
    message: `The training took longer than the ${limit} that this server allows. ${remedy}`,
    mayPass: false,
  };
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
