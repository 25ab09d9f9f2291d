// The state of every job: live jobs in memory, all jobs in the store. Enforces the transitions table,
// and writes one job's records one after another, so that an old record never lands on a new one.
import { LRUCache } from "lru-cache";
import type { Registry, TenantId } from "#registry";
import { type Job, type JobState, transitions } from "./job.ts";
import { jobLogFields } from "./job-observer.ts";
import { parseJobRecord } from "./job-record.ts";

export interface JobLedgerOptions {
  readonly registry: Pick<Registry, "putJob" | "getJob">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: (event: Record<string, unknown>) => void;
}

type Change = Partial<Pick<Job, "progress" | "phase" | "report" | "adapter" | "error">>;

interface Entry {
  readonly tenant: TenantId;
  job: Job;
  writes: Promise<void>;
  writtenAtMs: number;
}

/** Progress is written at most once in this time; what is in memory is always current. */
export const PROGRESS_WRITE_INTERVAL_MS = 1_000;
/** Finished jobs answered from memory, also when the store refused their last record. */
export const FINISHED_JOBS_KEPT_MAX = 1_000;
const JOB_ID = /^[A-Za-z0-9-]{1,64}$/;

export class JobLedger {
  readonly #options: JobLedgerOptions;
  readonly #live = new Map<string, Entry>();
  readonly #opening = new Set<string>();
  readonly #finished = new LRUCache<string, Entry>({ max: FINISHED_JOBS_KEPT_MAX });

  constructor(options: JobLedgerOptions) {
    this.#options = options;
  }

  /** Rejects, and knows nothing of the job, when its first record cannot be written. */
  async open(tenant: TenantId, job: Job): Promise<void> {
    this.#opening.add(job.id);
    try {
      await this.#options.registry.putJob(tenant, job.id, job);
      this.adopt(tenant, job);
    } finally {
      this.#opening.delete(job.id);
    }
  }

  /** Whether it is a job of this process. */
  knows(id: string): boolean {
    return this.#opening.has(id) || this.#live.has(id) || this.#finished.has(id);
  }

  /** Takes up a job whose record is in the store already. */
  adopt(tenant: TenantId, job: Job): void {
    this.#live.set(job.id, { tenant, job, writes: Promise.resolve(), writtenAtMs: this.#options.now() });
  }

  async get(tenant: TenantId, id: string): Promise<Job | undefined> {
    const entry = this.#live.get(id) ?? this.#finished.get(id);
    if (entry) return entry.tenant === tenant ? entry.job : undefined;
    if (!JOB_ID.test(id)) return undefined;
    const record = await this.#options.registry.getJob(tenant, id);
    return record === undefined ? undefined : parseJobRecord(record);
  }

  /** Resolves when the record is written. A store that refuses it is logged: the job goes on. */
  async move(id: string, state: JobState, change: Change = {}): Promise<void> {
    const entry = this.#entry(id);
    const allowed: readonly JobState[] = transitions[entry.job.state];
    if (!allowed.includes(state)) {
      throw new Error(`invariant: job ${id} cannot go from ${entry.job.state} to ${state}`);
    }
    this.#change(entry, { ...change, state });
    if (transitions[state].length === 0) {
      this.#live.delete(id);
      this.#finished.set(id, entry);
    }
    await this.#write(entry);
  }

  /** Ignored once the job is finished: a child's last words may come late. */
  progress(id: string, { phase, progress }: { phase: string; progress: number }): void {
    const entry = this.#live.get(id);
    if (entry?.job.state !== "running") return;
    const inRange = Number.isFinite(progress)
      ? Math.min(Math.max(progress, entry.job.progress), 1)
      : entry.job.progress;
    this.#change(entry, { phase, progress: inRange });
    if (this.#options.now() - entry.writtenAtMs >= PROGRESS_WRITE_INTERVAL_MS) void this.#write(entry);
  }

  #entry(id: string): Entry {
    const entry = this.#live.get(id);
    if (!entry) throw new Error(`invariant: job ${id} is not live`);
    return entry;
  }

  #change(entry: Entry, change: Change & { state?: JobState }): void {
    entry.job = { ...entry.job, ...change, updatedAt: new Date(this.#options.now()).toISOString() };
  }

  #write(entry: Entry): Promise<void> {
    const { registry, now, log } = this.#options;
    const { job, tenant } = entry;
    entry.writtenAtMs = now();
    const write = () => registry.putJob(tenant, job.id, job);
    entry.writes = entry.writes
      .then(() => write().catch(write))
      .catch((error: unknown) =>
        log({
          event: "job_not_written",
          ...jobLogFields({ ...job, tenant }),
          state: job.state,
          error: String(error),
        }),
      );
    return entry.writes;
  }
}
