// Any sequence of what tenants, trainers and the loss of trainers do to jobs, against a model of a few lines: the turns
// of tenants, the table of states, and the queue beside the tables.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinished, isTransition, JOB_STATES, type JobEvent, type JobState, transitions } from "../job.ts";
import type { Attempt } from "./attempts.ts";
import { RETRIES_MAX } from "./queue.ts";
import { databases, done, submission, type TestDatabase } from "./test-jobs.ts";

const TENANTS = ["alpha", "beta", "gamma"] as const;
const PER_TENANT_MAX = 2;
const error = { code: "training_failed", message: "It broke." };

/** What pg-boss has of a job in each state. */
const queueStates: Record<JobState, readonly string[]> = {
  queued: ["created", "retry"],
  running: ["active"],
  succeeded: ["completed"],
  failed: ["completed", "failed"],
  cancelled: ["cancelled"],
};

type Step =
  | { readonly do: "submit"; readonly tenant: (typeof TENANTS)[number]; readonly priority: number }
  | { readonly do: "take" }
  | { readonly do: "cancel" | "redrive"; readonly of: number }
  | {
      readonly do: "publish" | "succeed" | "fail" | "retry" | "give_back" | "lose" | "late";
      readonly of: number;
    };

const of = fc.nat(9);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("submit"),
        tenant: fc.constantFrom(...TENANTS),
        priority: fc.integer({ min: -1, max: 1 }),
      }),
    },
    { weight: 5, arbitrary: fc.constant({ do: "take" } as const) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel"), of }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("redrive"), of }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom("publish", "succeed", "fail", "retry", "give_back", "lose", "late"),
        of,
      }),
    },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 25 },
);

interface ModelJob {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  state: JobState;
  isPublishing: boolean;
  /** Of the retries since it was submitted or redriven; a trainer that gives back costs none. */
  failures: number;
}

describe.each(databases)("jobs of any history, $name", ({ isThere, start }) => {
  let test: TestDatabase;
  let jobs: Awaited<ReturnType<TestDatabase["open"]>>;

  beforeAll(async () => {
    if (!isThere) return;
    test = await start();
    // Loss is simulated: none is found beside.
    jobs = await test.open({ superviseSeconds: 3_600 });
  });
  afterAll(async () => {
    if (!isThere) return;
    await jobs.close();
    await test.close();
  });

  it.skipIf(!isThere)(
    "go the ways of the table, tenants in turn, and queue and tables agree",
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (history) => {
          const run = new Run(test, jobs);
          await run.clear();
          for (const step of history) await run.make(step);
          await run.check();
        }),
        { numRuns: 60 },
      );
    },
    120_000,
  );
});

class Run {
  readonly #test: TestDatabase;
  readonly #jobs: Awaited<ReturnType<TestDatabase["open"]>>;
  readonly #model: ModelJob[] = [];
  readonly #turns = new Map<string, number>();
  readonly #running: Attempt[] = [];
  readonly #over: Attempt[] = [];

  constructor(test: TestDatabase, jobs: Awaited<ReturnType<TestDatabase["open"]>>) {
    this.#test = test;
    this.#jobs = jobs;
  }

  async clear(): Promise<void> {
    const { schema } = this.#jobs;
    await this.#test.database.query(
      `TRUNCATE ${schema}.jobs CASCADE; TRUNCATE ${schema}.tenants; DELETE FROM ${schema}_boss.job`,
    );
  }

  async make(step: Step): Promise<void> {
    const { store, attempts } = this.#jobs;
    switch (step.do) {
      case "submit": {
        const { id } = await store.submit(step.tenant, { ...submission(), priority: step.priority });
        const { tenant, priority } = step;
        this.#model.push({ id, tenant, priority, state: "queued", isPublishing: false, failures: 0 });
        return;
      }
      case "take": {
        const attempt = await attempts.take(PER_TENANT_MAX);
        const expected = this.#next();
        expect(attempt?.job.id).toBe(expected?.id);
        if (!attempt || !expected) return;
        expected.state = "running";
        this.#turns.set(expected.tenant, Math.max(0, ...this.#turns.values()) + 1);
        this.#running.push(attempt);
        return;
      }
      case "cancel":
        return this.#cancel(this.#model[step.of % this.#model.length]);
      case "redrive":
        return this.#redrive(this.#model[step.of % this.#model.length]);
      case "late":
        return this.#late(this.#over[step.of % this.#over.length]);
      default:
        return this.#end(step.do, step.of);
    }
  }

  /** Of each job: its events are a way through the table, and the queue has it where the tables do. */
  async check(): Promise<void> {
    const { schema, store } = this.#jobs;
    for (const { id, tenant, state } of this.#model) {
      expect(await store.get(tenant, id)).toMatchObject({ state });
      const { rows } = await this.#test.database.query(
        `SELECT seq, at, data FROM ${schema}.job_events WHERE job_id = $1 ORDER BY seq`,
        [id.slice(4)],
      );
      const events = rows as unknown as JobEvent[];
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      let from: JobState = "queued";
      for (const { data } of events.slice(1)) {
        if (data.type !== "state") continue;
        expect(isTransition(from, data.state, data.cause), `${from} → ${data.state}`).toBe(true);
        from = data.state;
      }
      expect(from).toBe(state);
      const queued = await this.#test.database.query(
        `SELECT state::text FROM ${schema}_boss.job WHERE id = $1`,
        [id.slice(4)],
      );
      expect(queueStates[state]).toContain(queued.rows[0]?.state);
    }
  }

  /** The job that is to be taken: the tenant who waited longest, its highest priority, its oldest. */
  #next(): ModelJob | undefined {
    const waiting = this.#model.filter(({ state }) => state === "queued");
    const running = (tenant: string) =>
      this.#model.filter((job) => job.tenant === tenant && job.state === "running");
    const [tenant] = [...new Set(waiting.map((job) => job.tenant))]
      .filter((name) => running(name).length < PER_TENANT_MAX)
      .sort((one, other) => (this.#turns.get(one) ?? 0) - (this.#turns.get(other) ?? 0));
    return waiting
      .filter((job) => job.tenant === tenant)
      .sort((one, other) => other.priority - one.priority)
      .at(0);
  }

  async #cancel(job: ModelJob | undefined): Promise<void> {
    if (!job) return;
    const cancelled = this.#jobs.store.cancel(job.tenant, job.id);
    if (job.state !== "cancelled" && (isFinished(job.state) || job.isPublishing)) {
      await expect(cancelled).rejects.toMatchObject({ code: "job_not_cancellable" });
      return;
    }
    expect(await cancelled).toMatchObject({ state: "cancelled" });
    this.#finish(job, "cancelled");
  }

  async #redrive(job: ModelJob | undefined): Promise<void> {
    if (!job) return;
    const redriven = this.#jobs.store.retry(job.tenant, job.id);
    if (job.state !== "failed" || job.failures <= RETRIES_MAX) {
      await expect(redriven).rejects.toMatchObject({ code: "job_not_retriable" });
      return;
    }
    expect(await redriven).toMatchObject({ state: "queued" });
    Object.assign(job, { state: "queued", failures: 0 });
    await this.#makeReady();
  }

  /** A trainer whose attempt is over is refused. */
  async #late(attempt: Attempt | undefined): Promise<void> {
    if (!attempt) return;
    const { attempts } = this.#jobs;
    expect(await attempts.keepAlive(attempt)).toBe(false);
    expect(await attempts.beginPublishing(attempt)).toBe(false);
    expect(await attempts.succeed(attempt, done)).toBe(false);
    expect(await attempts.retry(attempt, error)).toBeUndefined();
    expect(await attempts.giveBack(attempt)).toBe(false);
  }

  async #end(
    how: Exclude<Step["do"], "submit" | "take" | "cancel" | "redrive" | "late">,
    at: number,
  ): Promise<void> {
    const attempt = this.#running[at % this.#running.length];
    const job = this.#model.find(({ id }) => id === attempt?.job.id);
    if (!attempt || !job) return;
    const { attempts } = this.#jobs;
    if (how === "publish") {
      expect(await attempts.beginPublishing(attempt)).toBe(true);
      job.isPublishing = true;
      return;
    }
    if (how === "succeed") expect(await attempts.succeed(attempt, done)).toBe(true);
    if (how === "fail") expect(await attempts.fail(attempt, error)).toBe(true);
    if (how === "give_back") expect(await attempts.giveBack(attempt)).toBe(true);
    if (how === "retry") await attempts.retry(attempt, error);
    if (how === "lose") await this.#lose(attempt);
    const isFailure = how === "retry" || how === "lose";
    if (isFailure) job.failures += 1;
    const ends = { succeed: "succeeded", fail: "failed", give_back: "queued" } as const;
    const state = isFailure ? (job.failures > RETRIES_MAX ? "failed" : "queued") : ends[how];
    this.#finish(job, state);
    await this.#makeReady();
  }

  #finish(job: ModelJob, state: JobState): void {
    job.state = state;
    const at = this.#running.findIndex((attempt) => attempt.job.id === job.id);
    if (at >= 0) this.#over.push(...this.#running.splice(at, 1));
  }

  /** As pg-boss does with a heartbeat that was missed; then what looks after such jobs. */
  async #lose({ job }: Attempt): Promise<void> {
    const { schema, maintain } = this.#jobs;
    await this.#test.database.query(
      `UPDATE ${schema}_boss.job SET state = (CASE WHEN retry_count < retry_limit THEN 'retry' ELSE 'failed' END)::${schema}_boss.job_state
       WHERE id = $1`,
      [job.id.slice(4)],
    );
    await maintain();
  }

  async #makeReady(): Promise<void> {
    const { schema } = this.#jobs;
    await this.#test.database.query(
      `UPDATE ${schema}_boss.job SET start_after = now() WHERE state < 'active';
       UPDATE ${schema}.jobs SET ready_at = clock_timestamp() WHERE state = 'queued'`,
    );
  }
}

it("the table has an end for every job, and none that goes on but a failed one that is redriven", () => {
  for (const from of JOB_STATES) {
    expect(isFinished(from)).toBe(["succeeded", "failed", "cancelled"].includes(from));
    if (from === "failed") expect(transitions[from]).toEqual({ queued: ["redriven"] });
    else expect(Object.keys(transitions[from]).length === 0).toBe(isFinished(from));
  }
});
