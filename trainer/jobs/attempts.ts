// Jobs as trainers know them: taken, tenants in turn, kept alive, and ended in one of four ways. What a trainer says
// of an attempt that is no longer its own (cancelled, or lost and begun elsewhere) changes nothing.
import type { JobWithMetadata } from "pg-boss";
import { z } from "zod";
import type { Job, JobError, JobEventData, TrainingReport } from "../job.ts";
import type { Queryable } from "./database.ts";
import { ALL_COLUMNS, jobIdOf, parseJobRow, uuidOf } from "./job-rows.ts";
import type { JobStoreParts } from "./job-store.ts";
import { appendEvent, type Move, moveJob } from "./move-job.ts";
import { TRAIN_QUEUE, within } from "./queue.ts";
import { QUEUE_LOCK } from "./schema.ts";

/** One training of a job. */
export interface Attempt {
  readonly tenant: string;
  readonly job: Job;
}

export type ProgressData = Omit<Extract<JobEventData, { type: "progress" }>, "type">;

/** Of one job; when it has so many, its progress is no longer written. Its changes of state are. */
export const EVENTS_PER_JOB_MAX = 10_000;

export class JobAttempts {
  readonly #parts: JobStoreParts;

  constructor(parts: JobStoreParts) {
    this.#parts = parts;
  }

  /** Undefined when nothing may be begun: nothing waits, or only of tenants that have perTenantMax running. */
  async take(perTenantMax: number): Promise<Attempt | undefined> {
    const { database, schema } = this.#parts;
    const { rows } = await database.query(
      `SELECT 1 FROM ${schema}.jobs WHERE state = 'queued' AND ready_at <= clock_timestamp() LIMIT 1`,
    );
    if (rows.length === 0) return undefined;
    return this.#change(async (tx) => {
      const waiting = await this.#waitingTenants(tx, perTenantMax);
      for (const { tenant } of waiting.filter(({ mayBegin }) => mayBegin)) {
        const others = waiting.map((other) => other.tenant).filter((other) => other !== tenant);
        const attempt = await this.#takeOf(tx, tenant, others);
        if (attempt) return attempt;
      }
      return undefined;
    });
  }

  /** False when the attempt is no longer the caller's. */
  async keepAlive({ job }: Attempt): Promise<boolean> {
    return isDone(await this.#parts.boss.touch(TRAIN_QUEUE, attemptOf(job)));
  }

  async progress({ job }: Attempt, told: ProgressData): Promise<void> {
    const { database, schema } = this.#parts;
    await database.transaction(async (tx) => {
      const { rows } = await tx.query(
        `UPDATE ${schema}.jobs SET phase = $3, progress = $4, updated_at = clock_timestamp()
         WHERE id = $1 AND state = 'running' AND attempt = $2 AND events < $5 RETURNING id`,
        [uuidOf(job.id), job.attempt, told.phase, told.progress, EVENTS_PER_JOB_MAX],
      );
      if (rows.length > 0) await appendEvent(tx, schema, job.id, { type: "progress", ...told });
    });
  }

  /** From here on it cannot be cancelled. False when it was, or is no longer the caller's: then nothing may be published. */
  async beginPublishing({ job }: Attempt): Promise<boolean> {
    return this.#change(async (tx) => {
      const { rows } = await tx.query(
        `UPDATE ${this.#parts.schema}.jobs SET publishing = true
         WHERE id = $1 AND state = 'running' AND attempt = $2 RETURNING id`,
        [uuidOf(job.id), job.attempt],
      );
      return rows.length > 0;
    });
  }

  async succeed(
    { job }: Attempt,
    { adapter, report }: { adapter: NonNullable<Job["adapter"]>; report: TrainingReport },
  ): Promise<boolean> {
    return this.#change(async (tx) => {
      if (!(await this.#complete(tx, job))) return false;
      for (const data of eventsOf(report)) await appendEvent(tx, this.#parts.schema, job.id, data);
      await this.#move(tx, job, { to: "succeeded", cause: "done", adapter, report });
      return true;
    });
  }

  /** For good: what was asked for cannot be done. */
  async fail({ job }: Attempt, error: JobError): Promise<boolean> {
    return this.#change(async (tx) => {
      if (!(await this.#complete(tx, job))) return false;
      await this.#move(tx, job, { to: "failed", cause: "error", error });
      return true;
    });
  }

  /** By what may pass: it is begun again later, as often as it may. Answers its state, undefined where it was not ours. */
  async retry({ job }: Attempt, error: JobError): Promise<"queued" | "failed" | undefined> {
    return this.#change(async (tx) => {
      const failed = await this.#parts.boss.fail(TRAIN_QUEUE, attemptOf(job), { ...error }, db(tx));
      return isDone(failed) ? this.followQueue(tx, job, { cause: "retry", error }) : undefined;
    });
  }

  /** Its trainer ends: another begins it anew, at once, and it counts as one attempt less. */
  async giveBack({ job }: Attempt): Promise<boolean> {
    const { boss } = this.#parts;
    return this.#change(async (tx) => {
      if (!isDone(await boss.cancel(TRAIN_QUEUE, attemptOf(job), db(tx)))) return false;
      const { id } = attemptOf(job);
      await boss.resume(TRAIN_QUEUE, id, db(tx));
      const [found] = await boss.findJobs(TRAIN_QUEUE, { id, ...db(tx) });
      const retryLimit = (found?.retryLimit ?? 0) + 1;
      await boss.update(TRAIN_QUEUE, undefined, { id, retryLimit, ...db(tx) });
      await this.#move(tx, job, { to: "queued", cause: "worker_stopped" });
      return true;
    });
  }

  /** The job goes where its record in the queue has gone: again in line, or, with errorAtLast, among the dead letters. */
  async followQueue(
    tx: Queryable,
    job: Job,
    {
      cause,
      error,
      errorAtLast = error,
    }: { cause: "retry" | "worker_lost"; error: JobError; errorAtLast?: JobError },
  ): Promise<"queued" | "failed"> {
    const { id } = attemptOf(job);
    const [found] = await this.#parts.boss.findJobs(TRAIN_QUEUE, { id, ...db(tx) });
    const isInLine = found?.state === "retry" || found?.state === "created";
    const move: Move = isInLine
      ? { to: "queued", cause, error, readyAt: found.startAfter }
      : { to: "failed", cause: "attempts_spent", error: errorAtLast };
    await this.#move(tx, job, move);
    return isInLine ? "queued" : "failed";
  }

  /** Tenants in turn: first who waited longest for one. */
  async #waitingTenants(
    tx: Queryable,
    perTenantMax: number,
  ): Promise<{ tenant: string; mayBegin: boolean }[]> {
    const { schema } = this.#parts;
    const { rows } = await tx.query(
      `SELECT tenant, waiting.is_ready AND coalesce(running.count, 0) < $1 AS may_begin
       FROM (SELECT tenant, min(number) AS first, bool_or(ready_at <= clock_timestamp()) AS is_ready
             FROM ${schema}.jobs WHERE state = 'queued' GROUP BY tenant) waiting
       LEFT JOIN (SELECT tenant, count(*) FROM ${schema}.jobs WHERE state = 'running' GROUP BY tenant) running
         USING (tenant)
       LEFT JOIN ${schema}.tenants USING (tenant)
       ORDER BY coalesce(last_turn, 0), first`,
      [perTenantMax],
    );
    return rows.map((row) => ({ tenant: String(row.tenant), mayBegin: row.may_begin === true }));
  }

  /** Undefined when pg-boss has none of the tenant's ready yet: its clock may be a moment behind. */
  async #takeOf(tx: Queryable, tenant: string, others: readonly string[]): Promise<Attempt | undefined> {
    const { boss, schema } = this.#parts;
    const [taken]: JobWithMetadata[] = await boss.fetch(TRAIN_QUEUE, {
      includeMetadata: true,
      ignoreGroups: [...others],
      ...db(tx),
    });
    if (!taken) return undefined;
    const { rows } = await tx.query(`SELECT ${ALL_COLUMNS} FROM ${schema}.jobs WHERE id = $1`, [taken.id]);
    const row = rows[0];
    if (!row) throw new Error(`invariant: ${jobIdOf(taken.id)} is in the queue and nowhere else`);
    const { job } = parseJobRow(row);
    // Lost, and again in line, before anyone looked: that is told first.
    if (job.state === "running") await this.#move(tx, job, { to: "queued", cause: "worker_lost" });
    const attempt = taken.retryCount + 1;
    await this.#move(tx, { ...job, state: "queued" }, { to: "running", cause: "taken", attempt });
    await tx.query(
      `INSERT INTO ${schema}.tenants VALUES ($1, nextval('${schema}.turns'), clock_timestamp())
       ON CONFLICT (tenant) DO UPDATE SET last_turn = excluded.last_turn, at = excluded.at`,
      [tenant],
    );
    return { tenant, job: { ...job, state: "running", attempt } };
  }

  async #complete(tx: Queryable, job: Job): Promise<boolean> {
    return isDone(await this.#parts.boss.complete(TRAIN_QUEUE, attemptOf(job), null, db(tx)));
  }

  #move(tx: Queryable, job: Job, move: Move): Promise<void> {
    return moveJob(tx, this.#parts, job, move);
  }

  #change<Value>(work: (tx: Queryable) => Promise<Value>): Promise<Value> {
    return this.#parts.database.transaction(async (tx) => {
      await tx.query(QUEUE_LOCK);
      return work(tx);
    });
  }
}

/** As pg-boss names it: what another attempt has taken over, it leaves alone. */
export function attemptOf({ id, attempt }: Job): { id: string; retryCount: number } {
  return { id: uuidOf(id) ?? id, retryCount: attempt - 1 };
}

/** Whether the queue still had the attempt. pg-boss answers more than its types say. */
function isDone(answer: unknown): boolean {
  return z.object({ affected: z.int() }).parse(answer).affected > 0;
}

export function db(tx: Queryable) {
  return { db: within(tx) };
}

/** What a training has learned of itself, for who follows it. */
function eventsOf({ gates, heldOut, seconds }: TrainingReport): JobEventData[] {
  const { n, accuracy, macroF1 } = heldOut;
  return [
    { type: "gates", gates },
    { type: "metrics", heldOut: { n, accuracy, macroF1 }, seconds },
  ];
}
