// The one place where a job's state changes: by the table of transitions, with an event, in the caller's transaction.
import type { PgBoss } from "pg-boss";
import {
  isTransition,
  type Job,
  type JobCause,
  type JobError,
  type JobEventData,
  type JobState,
} from "../job.ts";
import type { Queryable } from "./database.ts";
import { uuidOf } from "./job-rows.ts";
import { channelOf } from "./schema.ts";
import { queueWebhooks } from "./webhooks.ts";

export interface Move {
  readonly to: JobState;
  readonly cause: JobCause;
  /** Default: that which it has. */
  readonly attempt?: number;
  readonly error?: JobError;
  readonly adapter?: NonNullable<Job["adapter"]>;
  readonly report?: Job["report"];
  /** Of a job that is queued again: it is not begun before. Default: at once. */
  readonly readyAt?: Date;
}

type Moved = Pick<Job, "id" | "state" | "attempt">;

/** The caller holds the lock of the queue, as all do that change states. Throws for what is no transition. */
export async function moveJob(
  tx: Queryable,
  parts: { readonly schema: string; readonly boss: PgBoss },
  job: Moved,
  move: Move,
): Promise<void> {
  const { schema } = parts;
  const { to, cause, attempt = job.attempt, error, adapter, report } = move;
  if (!isTransition(job.state, to, cause)) {
    throw new Error(`invariant: ${job.id} cannot go from ${job.state} to ${to} for ${cause}`);
  }
  const { rows } = await tx.query(
    `UPDATE ${schema}.jobs SET state = $2, attempt = $3, error = $4::jsonb, adapter = $5::jsonb,
       report = $6::jsonb, progress = CASE WHEN $2 = 'succeeded' THEN 1 WHEN $2 = 'queued' THEN 0 ELSE progress END,
       phase = CASE WHEN $2 = 'queued' THEN NULL ELSE phase END, ready_at = coalesce($7::timestamptz, clock_timestamp()),
       cause = $9, updated_at = clock_timestamp()
     WHERE id = $1 AND state = $8 RETURNING id`,
    [
      ...[uuidOf(job.id), to, attempt, jsonOf(error), jsonOf(adapter), jsonOf(report)],
      ...[move.readyAt?.toISOString() ?? null, job.state, cause],
    ],
  );
  if (rows.length !== 1) throw new Error(`invariant: ${job.id} is no longer ${job.state}`);
  const told = { type: "state" as const, state: to, cause, attempt };
  await appendEvent(tx, schema, job.id, { ...told, ...(error && { error }), ...(adapter && { adapter }) });
  await queueWebhooks(tx, parts, { id: job.id, state: to });
}

/** And wakes whoever waits for the job. */
export async function appendEvent(
  tx: Queryable,
  schema: string,
  jobId: string,
  data: JobEventData,
): Promise<void> {
  await tx.query(
    `WITH counted AS (UPDATE ${schema}.jobs SET events = events + 1 WHERE id = $1 RETURNING id, events)
     INSERT INTO ${schema}.job_events (job_id, seq, at, data)
     SELECT id, events, clock_timestamp(), $2::jsonb FROM counted`,
    [uuidOf(jobId), JSON.stringify(data)],
  );
  const payload = `${jobId} ${data.type === "state" ? data.state : data.type}`;
  await tx.query("SELECT pg_notify($1, $2)", [channelOf(schema), payload]);
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
