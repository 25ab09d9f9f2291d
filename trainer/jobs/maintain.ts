// What must be done now and then, by whichever process comes to it: jobs whose trainer was lost go where the queue has
// put them, and what is old is removed.
import type { Job } from "../job.ts";
import { JOB_INTERRUPTED, TRAINER_LOST } from "../job-error.ts";
import { attemptOf, db, type JobAttempts } from "./attempts.ts";
import type { Queryable } from "./database.ts";
import { ALL_COLUMNS, parseJobRow } from "./job-rows.ts";
import type { JobStoreParts } from "./job-store.ts";
import { TRAIN_QUEUE } from "./queue.ts";
import { QUEUE_LOCK } from "./schema.ts";

/** Finished jobs are kept so long, with their events. */
export const JOB_DAYS_KEPT = 90;
/** At once, so that no statement takes long. */
const REMOVED_AT_ONCE_MAX = 1_000;
/** A tenant without jobs keeps its place in the turns so long. */
const TURN_DAYS_KEPT = 1;

export interface LostJob {
  readonly tenant: string;
  readonly job: Job;
  readonly state: "queued" | "failed";
}

/** Of every job whose heartbeat was missed, or that took too long: the queue knows already. */
export async function followLostJobs(parts: JobStoreParts, attempts: JobAttempts): Promise<LostJob[]> {
  const { database, boss } = parts;
  return database.transaction(async (tx) => {
    await tx.query(QUEUE_LOCK);
    const lost: LostJob[] = [];
    for (const { job, tenant } of await readRunning(tx, parts)) {
      const [found] = await boss.findJobs(TRAIN_QUEUE, { id: attemptOf(job).id, ...db(tx) });
      if (found?.state === "active") continue;
      const told = { error: TRAINER_LOST, errorAtLast: JOB_INTERRUPTED };
      const state = await attempts.followQueue(tx, job, { cause: "worker_lost", ...told });
      lost.push({ tenant, job, state });
    }
    return lost;
  });
}

/** For a process that knows itself alone on the database, before it takes any job: who began these is gone. */
export async function loseRunningJobs(parts: JobStoreParts): Promise<void> {
  const { database, boss } = parts;
  await database.transaction(async (tx) => {
    await tx.query(QUEUE_LOCK);
    for (const { job } of await readRunning(tx, parts)) {
      await boss.fail(TRAIN_QUEUE, attemptOf(job), { ...TRAINER_LOST }, db(tx));
    }
  });
}

export async function removeOldJobs({ database, schema }: JobStoreParts): Promise<void> {
  for (let removed = REMOVED_AT_ONCE_MAX; removed === REMOVED_AT_ONCE_MAX; ) {
    const { rows } = await database.query(
      `DELETE FROM ${schema}.jobs WHERE id IN (
         SELECT id FROM ${schema}.jobs
         WHERE state IN ('succeeded', 'failed', 'cancelled') AND updated_at < clock_timestamp() - $1 * interval '1 day'
         ORDER BY updated_at LIMIT $2)
       RETURNING id`,
      [JOB_DAYS_KEPT, REMOVED_AT_ONCE_MAX],
    );
    removed = rows.length;
  }
  await database.query(
    `DELETE FROM ${schema}.tenants t WHERE at < clock_timestamp() - $1 * interval '1 day' AND NOT EXISTS (
       SELECT 1 FROM ${schema}.jobs j WHERE j.tenant = t.tenant AND state IN ('queued', 'running'))`,
    [TURN_DAYS_KEPT],
  );
}

async function readRunning(tx: Queryable, { schema }: JobStoreParts) {
  const { rows } = await tx.query(`SELECT ${ALL_COLUMNS} FROM ${schema}.jobs WHERE state = 'running'`);
  return rows.map(parseJobRow);
}
