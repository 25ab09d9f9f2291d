// pg-boss, as jobs use it: one queue for all tenants, another for what failed as often as it may. What it does is
// done in the transactions of the job tables, so that neither is ever without the other.
import { PgBoss } from "pg-boss";
import { DEAD_LETTER_DAYS_MAX, TRAIN_MS_MAX_LONGEST, TrainerError } from "../job.ts";
import type { JobDatabase, Queryable } from "./database.ts";
import { uuidOf } from "./job-rows.ts";
import { bossSchemaOf } from "./schema.ts";

export const TRAIN_QUEUE = "train";
export const DEAD_LETTERS = "dead-letters";

/** A trainer that was not heard from for so long is lost; it says every third of that that it is there. */
export const HEARTBEAT_SECONDS = 15;
/**
 * A trainer ends a training itself in its time, and its heart stops soon after; this is beyond the longest, as each trainer may be told
 * another time. pg-boss allows a day.
 */
const EXPIRE_SECONDS = TRAIN_MS_MAX_LONGEST / 1_000 + 10 * 60;
/** How often lost and timed out jobs are looked for. */
export const SUPERVISE_SECONDS = 5;
/** A job is begun once more so often after an attempt that failed by what may pass. */
export const RETRIES_MAX = 3;
/** Once to twice as long before the first retry, by chance; doubled with each. */
export const RETRY_DELAY_SECONDS = 5;
const RETRY_DELAY_SECONDS_MAX = 300;
/** Jobs may wait so long; of the queue's own records. */
const WAITING_SECONDS_MAX = 365 * 24 * 60 * 60;
/** Of finished jobs the queue keeps its records so long. */
const DEAD_LETTER_SECONDS_MAX = DEAD_LETTER_DAYS_MAX * 24 * 60 * 60;

export interface QueueOptions {
  /** Default HEARTBEAT_SECONDS; at least 10. */
  readonly heartbeatSeconds?: number;
  /** Default SUPERVISE_SECONDS. */
  readonly superviseSeconds?: number;
  /** Default RETRY_DELAY_SECONDS. */
  readonly retryDelaySeconds?: number;
}

/** Started; its errors beside a call go to onError. Reject as the database's queries do. */
export async function startQueue(
  database: JobDatabase,
  schema: string,
  options: QueueOptions & { readonly onError: (error: unknown) => void },
): Promise<PgBoss> {
  const { heartbeatSeconds = HEARTBEAT_SECONDS, superviseSeconds = SUPERVISE_SECONDS } = options;
  const boss = new PgBoss({
    db: within(database),
    backend: database.isShared ? "postgres" : "pglite",
    schema: bossSchemaOf(schema),
    schedule: false,
    registerInstance: false,
    openTelemetry: { enabled: false },
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
  });
  boss.on("error", options.onError);
  await boss.start();
  await boss.createQueue(DEAD_LETTERS, { retentionSeconds: DEAD_LETTER_SECONDS_MAX });
  const settings = {
    deadLetter: DEAD_LETTERS,
    heartbeatSeconds,
    expireInSeconds: EXPIRE_SECONDS,
    retryLimit: RETRIES_MAX,
    retryDelay: options.retryDelaySeconds ?? RETRY_DELAY_SECONDS,
    retryBackoff: true,
    retryDelayMax: RETRY_DELAY_SECONDS_MAX,
    retentionSeconds: WAITING_SECONDS_MAX,
    deleteAfterSeconds: DEAD_LETTER_SECONDS_MAX,
  };
  await boss.createQueue(TRAIN_QUEUE, settings);
  await boss.updateQueue(TRAIN_QUEUE, settings);
  return boss;
}

/** A dead letter, to be begun as often as a new job. Throws job_not_retriable where the queue knows it no more. */
export async function putBackInLine(boss: PgBoss, tx: Queryable, jobId: string): Promise<void> {
  const db = { db: within(tx) };
  const id = uuidOf(jobId) ?? jobId;
  const [found] = await boss.findJobs(TRAIN_QUEUE, { id, ...db });
  if (found?.state !== "failed") {
    const message = `The job failed more than ${DEAD_LETTER_DAYS_MAX} days ago: submit it anew.`;
    throw new TrainerError("job_not_retriable", message);
  }
  await boss.retry(TRAIN_QUEUE, id, db);
  // Its count goes on: by it a trainer that was lost is told from the one that comes after.
  const retryLimit = found.retryCount + 1 + RETRIES_MAX;
  await boss.update(TRAIN_QUEUE, undefined, { id, retryLimit, ...db });
  for (const letter of await boss.findJobs(DEAD_LETTERS, { data: { jobId }, ...db })) {
    await boss.deleteJob(DEAD_LETTERS, letter.id, db);
  }
}

/** For pg-boss: its statements go through this. */
export function within(queryable: Queryable) {
  return { executeSql: (text: string, values?: unknown[]) => queryable.query(text, values) };
}
