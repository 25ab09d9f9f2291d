// The job database, opened: tables, queue, signals, trainers, and what is done of itself now and then. Several
// processes may open a server's; of the embedded one, who opens it is alone.
import type { WebhookStore } from "../job.ts";
import { jobLogFields } from "../job-observer.ts";
import { JobAttempts } from "./attempts.ts";
import type { JobDatabase } from "./database.ts";
import { type JobLimits, JobStore, type JobStoreParts } from "./job-store.ts";
import { followLostJobs, loseRunningJobs, removeOldJobs } from "./maintain.ts";
import { HEARTBEAT_SECONDS, type QueueOptions, SUPERVISE_SECONDS, startQueue } from "./queue.ts";
import { createTables, SCHEMA_DEFAULT } from "./schema.ts";
import { JobSignals } from "./signals.ts";
import { Trainers, type TrainersOptions } from "./trainers.ts";
import { createWebhookQueue, createWebhookStore, sendWebhooks, type WebhookOptions } from "./webhooks.ts";

export interface OpenJobsOptions extends JobLimits, WebhookOptions, QueueOptions {
  /** Default SCHEMA_DEFAULT; letters and "_". */
  readonly schema?: string;
  /** Without, none trains here. */
  readonly trainers?: Omit<TrainersOptions, "trainMsMax" | "heartbeatMs" | "log">;
  /** Default TRAIN_MS_MAX_DEFAULT, at most TRAIN_MS_MAX_LONGEST. */
  readonly trainMsMax?: number;
}

export interface OpenedJobs {
  readonly store: JobStore;
  readonly attempts: JobAttempts;
  readonly webhooks: WebhookStore;
  /** What is looked after every superviseSeconds, at once. */
  maintain(): Promise<void>;
  /** Gives running jobs back, then closes the database. */
  close(): Promise<void>;
}

export const TRAIN_MS_MAX_DEFAULT = 60 * 60 * 1_000;
/** Old jobs are looked for so often. */
const REMOVE_OLD_EVERY_MS = 60 * 60 * 1_000;

/** Takes over the database: it is closed with the jobs, also when this rejects. */
export async function openJobs(database: JobDatabase, options: OpenJobsOptions): Promise<OpenedJobs> {
  const { schema = SCHEMA_DEFAULT, trainMsMax = TRAIN_MS_MAX_DEFAULT, log } = options;
  const closers: (() => Promise<void>)[] = [() => database.close()];
  const close = async () => {
    for (const end of closers.splice(0).toReversed()) await end();
  };
  try {
    await database.transaction((tx) => createTables(tx, schema));
    const onError = (error: unknown) => log({ event: "job_queue_failed", error: String(error) });
    const boss = await startQueue(database, schema, { ...options, onError });
    closers.push(() => boss.stop({ graceful: false, close: false }));
    await createWebhookQueue(boss, options);
    const signals = await JobSignals.open(database, schema);
    closers.push(() => signals.close());
    const parts = { ...options, database, schema, boss, signals };
    const attempts = new JobAttempts(parts);
    if (!database.isShared) await loseRunningJobs(parts);
    let removedAtMs = Number.NEGATIVE_INFINITY;
    const maintain = async () => {
      await follow(parts, attempts, log);
      if (performance.now() - removedAtMs < REMOVE_OLD_EVERY_MS) return;
      await removeOldJobs(parts);
      removedAtMs = performance.now();
    };
    await maintain();
    closers.push(repeat(maintain, options.superviseSeconds ?? SUPERVISE_SECONDS, log));
    if (options.sendsWebhooks ?? true) await sendWebhooks(parts);
    if (options.trainers) {
      const heartbeatMs = ((options.heartbeatSeconds ?? HEARTBEAT_SECONDS) * 1_000) / 3;
      const trainers = new Trainers(attempts, signals, { ...options.trainers, trainMsMax, heartbeatMs, log });
      closers.push(() => trainers.close());
    }
    return { store: new JobStore(parts), attempts, webhooks: createWebhookStore(parts), maintain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function follow(
  parts: JobStoreParts,
  attempts: JobAttempts,
  log: OpenJobsOptions["log"],
): Promise<void> {
  for (const { tenant, job, state } of await followLostJobs(parts, attempts)) {
    log({ event: "job_lost", ...jobLogFields({ ...job, tenant }), attempt: job.attempt, state });
  }
}

/** Answers how to end it. */
function repeat(
  maintain: () => Promise<void>,
  everySeconds: number,
  log: OpenJobsOptions["log"],
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= maintain()
      .catch((error: unknown) => log({ event: "job_queue_failed", error: String(error) }))
      .finally(() => {
        running = undefined;
      });
  }, everySeconds * 1_000);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
