// Jobs as tenants know them: submitted, read, listed, cancelled, followed. Each change is one transaction of the job
// tables and pg-boss's queue. What trainers do with jobs is in attempts.ts.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { PgBoss } from "pg-boss";
import {
  DEAD_LETTER_DAYS_MAX,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  isFinished,
  type Job,
  type JobEvent,
  type JobQueue,
  type JobRequest,
  type JobsPage,
  TrainerError,
} from "../job.ts";
import { type JobDatabase, type Queryable, readTwice } from "./database.ts";
import { followEvents } from "./follow-events.ts";
import { ALL_COLUMNS, jobIdOf, LISTED_COLUMNS, parseJobRow, type StoredJob, uuidOf } from "./job-rows.ts";
import { appendEvent, moveJob } from "./move-job.ts";
import { putBackInLine, TRAIN_QUEUE, within } from "./queue.ts";
import { QUEUE_LOCK } from "./schema.ts";
import type { JobSignals } from "./signals.ts";

export interface JobLimits {
  /** Jobs that may wait, of all tenants. Default QUEUE_LENGTH_MAX. */
  readonly queueLengthMax?: number;
  /** Jobs that may wait of one tenant. Default half of queueLengthMax, so that none fills the queue. */
  readonly queueLengthPerTenantMax?: number;
}

export const QUEUE_LENGTH_MAX = 20_000;

export interface JobStoreParts extends JobLimits {
  readonly database: JobDatabase;
  readonly schema: string;
  readonly boss: PgBoss;
  readonly signals: JobSignals;
}

export class JobStore implements Omit<JobQueue, "close" | "webhooks"> {
  readonly #parts: JobStoreParts;

  constructor(parts: JobStoreParts) {
    this.#parts = parts;
  }

  async submit(tenant: string, request: JobRequest): Promise<Job> {
    const { database, schema } = this.#parts;
    requireKey(request.idempotencyKey);
    return database.transaction(async (tx) => {
      // The limits hold for jobs submitted together.
      await tx.query(QUEUE_LOCK);
      const known = await this.#findSubmitted(tx, tenant, request);
      if (known) return known;
      await this.#requireRoom(tx, tenant);
      const id = jobIdOf(randomUUID());
      await this.#insert(tx, { tenant, id, request });
      await appendEvent(tx, schema, id, { type: "state", state: "queued", cause: "submitted", attempt: 0 });
      return (await this.#read(tx, { tenant, id })).job;
    });
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    return (await this.#find(this.#parts.database, { tenant, id }))?.job;
  }

  async wait(
    tenant: string,
    id: string,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<Job | undefined> {
    const deadlineMs = performance.now() + timeoutMs;
    const watch = this.#parts.signals.watch((jobId) => jobId === id);
    try {
      for (;;) {
        const job = await readTwice(() => this.get(tenant, id), signal);
        const leftMs = deadlineMs - performance.now();
        if (!job || isFinished(job.state) || leftMs <= 0 || signal?.aborted) return job;
        await watch.next({ timeoutMs: leftMs, ...(signal && { signal }) });
      }
    } finally {
      watch.end();
    }
  }

  async list(tenant: string, page: JobsPage): Promise<{ jobs: Job[]; hasMore: boolean } | undefined> {
    const { database, schema } = this.#parts;
    const { after, limit, adapterName, state } = page;
    const below = after === undefined ? null : await this.#numberOf(tenant, after);
    if (below === undefined) return undefined;
    const { rows } = await database.query(
      `SELECT ${LISTED_COLUMNS} FROM ${schema}.jobs
       WHERE tenant = $1 AND ($2::bigint IS NULL OR number < $2) AND ($3::text IS NULL OR adapter_name = $3)
         AND ($4::text IS NULL OR state = $4)
       ORDER BY number DESC LIMIT $5`,
      [tenant, below, adapterName ?? null, state ?? null, limit + 1],
    );
    const jobs = rows.slice(0, limit).map((row) => parseJobRow(row).job);
    return { jobs, hasMore: rows.length > limit };
  }

  cancel(tenant: string, id: string): Promise<Job | undefined> {
    const { database, boss } = this.#parts;
    return database.transaction(async (tx) => {
      await tx.query(QUEUE_LOCK);
      const found = await this.#find(tx, { tenant, id });
      if (!found || found.job.state === "cancelled") return found?.job;
      requireCancellable(found);
      await moveJob(tx, this.#parts, found.job, { to: "cancelled", cause: "asked" });
      await boss.cancel(TRAIN_QUEUE, uuidOf(id) ?? id, { db: within(tx) });
      return (await this.#read(tx, { tenant, id })).job;
    });
  }

  retry(tenant: string, id: string): Promise<Job | undefined> {
    const { database, boss } = this.#parts;
    return database.transaction(async (tx) => {
      await tx.query(QUEUE_LOCK);
      const found = await this.#find(tx, { tenant, id });
      if (!found) return undefined;
      requireRetriable(found.job);
      await this.#requireRoom(tx, tenant);
      await putBackInLine(boss, tx, id);
      const { error } = found.job;
      await moveJob(tx, this.#parts, found.job, { to: "queued", cause: "redriven", ...(error && { error }) });
      return (await this.#read(tx, { tenant, id })).job;
    });
  }

  async events(
    tenant: string,
    id: string,
    options: { after?: number; signal?: AbortSignal; follows?: boolean } = {},
  ): Promise<AsyncIterable<JobEvent> | undefined> {
    const { database, schema, signals } = this.#parts;
    const found = await this.#find(database, { tenant, id });
    return found && followEvents({ database, schema, signals }, id, options);
  }

  async #findSubmitted(tx: Queryable, tenant: string, request: JobRequest): Promise<Job | undefined> {
    const { idempotencyKey, adapterName, datasetId, options, retraining, priority = 0 } = request;
    if (idempotencyKey === undefined) return undefined;
    const { rows } = await tx.query(
      `SELECT ${ALL_COLUMNS} FROM ${this.#parts.schema}.jobs WHERE tenant = $1 AND idempotency_key = $2`,
      [tenant, idempotencyKey],
    );
    const job = rows[0] && parseJobRow(rows[0]).job;
    if (!job) return undefined;
    const asked = JSON.parse(JSON.stringify({ adapterName, datasetId, options, retraining, priority }));
    const had = { adapterName: job.adapterName, datasetId: job.datasetId, options: job.options };
    const also = { ...(job.retraining && { retraining: job.retraining }), priority: job.priority };
    if (isDeepStrictEqual(asked, { ...had, ...also })) return job;
    throw new TrainerError(
      "job_key_reused",
      `This idempotency key has submitted ${job.id}, another job: take a new key.`,
    );
  }

  /** Throws queue_full. */
  async #requireRoom(tx: Queryable, tenant: string): Promise<void> {
    const { schema, queueLengthMax = QUEUE_LENGTH_MAX } = this.#parts;
    const { queueLengthPerTenantMax = Math.ceil(queueLengthMax / 2) } = this.#parts;
    const { rows } = await tx.query(
      `SELECT count(*)::int AS waiting, count(*) FILTER (WHERE tenant = $1)::int AS own
       FROM ${schema}.jobs WHERE state = 'queued'`,
      [tenant],
    );
    const { waiting, own } = { waiting: Number(rows[0]?.waiting), own: Number(rows[0]?.own) };
    if (waiting >= queueLengthMax) {
      throw queueFull(`${queueLengthMax} jobs are waiting, the limit of this server; submit this one later.`);
    }
    if (own >= queueLengthPerTenantMax) {
      throw queueFull(
        `${queueLengthPerTenantMax} of your jobs are waiting, the limit; submit this one later.`,
      );
    }
  }

  async #insert(
    tx: Queryable,
    { tenant, id, request }: { tenant: string; id: string; request: JobRequest },
  ): Promise<void> {
    const { adapterName, datasetId, options, retraining, origin, submittedBy } = request;
    const { priority = 0, idempotencyKey } = request;
    const { schema, boss } = this.#parts;
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    await tx.query(
      `INSERT INTO ${schema}.jobs (id, tenant, idempotency_key, adapter_name, dataset_id, options, retraining,
         origin, submitted_by, priority, state, cause, ready_at, created_at, updated_at)
       SELECT $1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9::jsonb, $10, 'queued', 'submitted', now, now, now
       FROM clock_timestamp() AS now`,
      [
        ...[uuidOf(id), tenant, idempotencyKey ?? null, adapterName, datasetId],
        ...[json(options), json(retraining), json(origin), json(submittedBy), priority],
      ],
    );
    const sent = { id: uuidOf(id) ?? id, priority, group: { id: tenant }, db: within(tx) };
    await boss.send(TRAIN_QUEUE, { jobId: id }, sent);
  }

  async #find(
    source: Queryable,
    { tenant, id }: { tenant: string; id: string },
  ): Promise<StoredJob | undefined> {
    const uuid = uuidOf(id);
    if (uuid === undefined) return undefined;
    const { rows } = await source.query(
      `SELECT ${ALL_COLUMNS} FROM ${this.#parts.schema}.jobs WHERE id = $1 AND tenant = $2`,
      [uuid, tenant],
    );
    return rows[0] && parseJobRow(rows[0]);
  }

  async #read(tx: Queryable, place: { tenant: string; id: string }): Promise<StoredJob> {
    const found = await this.#find(tx, place);
    if (!found) throw new Error(`invariant: ${place.id} was written and is absent`);
    return found;
  }

  async #numberOf(tenant: string, id: string): Promise<unknown> {
    const { rows } = await this.#parts.database.query(
      `SELECT number FROM ${this.#parts.schema}.jobs WHERE id = $1 AND tenant = $2`,
      [uuidOf(id) ?? null, tenant],
    );
    return rows[0]?.number;
  }
}

function requireKey(idempotencyKey: string | undefined): void {
  if (idempotencyKey === undefined || idempotencyKey.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX) return;
  const message = `An idempotency key has at most ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters.`;
  throw new TrainerError("invalid_options", message);
}

function requireCancellable({ job, isPublishing }: StoredJob): void {
  if (isFinished(job.state)) {
    throw new TrainerError("job_not_cancellable", `The job has ${job.state} already.`);
  }
  if (isPublishing) {
    const message =
      "The job has begun to publish its adapter: wait for it, then delete or roll back the version.";
    throw new TrainerError("job_not_cancellable", message);
  }
}

function requireRetriable({ state, isRetriable }: Job): void {
  if (isRetriable) return;
  const message =
    state === "failed"
      ? `The job failed by what will not pass, or more than ${DEAD_LETTER_DAYS_MAX} days ago: submit another.`
      : `The job is ${state}: only one whose retries are spent can be retried.`;
  throw new TrainerError("job_not_retriable", message);
}

function queueFull(message: string): TrainerError {
  return new TrainerError("queue_full", message);
}
