import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { postgresFolder } from "../../test/helpers/postgres.ts";
import type { JobEvent } from "../job.ts";
import type { OpenedJobs } from "./open-jobs.ts";
import { RETRIES_MAX } from "./queue.ts";
import { databases, done, submission, type TestDatabase } from "./test-jobs.ts";

const error = { code: "training_failed", message: "It broke." };

describe.each(databases)("the job database, $name", ({ isThere, start }) => {
  let test: TestDatabase;
  const opened: OpenedJobs[] = [];

  beforeAll(async () => {
    if (isThere) test = await start();
  });
  afterEach(async () => {
    for (const jobs of opened.splice(0)) await jobs.close();
  });
  afterAll(async () => {
    if (isThere) await test.close();
  });

  const open = async (options: Parameters<TestDatabase["open"]>[0] = {}) => {
    const jobs = await test.open(options);
    opened.push(jobs);
    const { store, attempts, schema } = jobs;
    const take = async () => {
      const attempt = await attempts.take(100);
      if (!attempt) throw new Error("nothing was taken");
      return attempt;
    };
    /** As if the time that a job waits for its retry were over. */
    const takeLater = async () => {
      await test.database.query(`UPDATE ${schema}_boss.job SET start_after = now()`);
      await test.database.query(`UPDATE ${schema}.jobs SET ready_at = clock_timestamp()`);
      return take();
    };
    const story = async (id: string) =>
      (await collect(await store.events("alpha", id, { signal: AbortSignal.timeout(5_000) }))).map(tell);
    return { ...jobs, take, takeLater, story };
  };

  it.skipIf(!isThere)("keeps a job from its submission to its end, and tells each step", async () => {
    const { store, attempts, take, story } = await open();
    const origin = { requestId: "r-1", traceparent: "00-a-b-01" };
    const submittedBy = { id: "key_1", requestId: "r-1" };
    const submitted = await store.submit("alpha", { ...submission(), origin, submittedBy, priority: 3 });
    expect(submitted).toMatchObject({
      ...{ id: expect.stringMatching(/^job-/), adapterName: "router", datasetId: "ds", options: { seed: 7 } },
      ...{ state: "queued", attempt: 0, priority: 3, progress: 0, origin, submittedBy },
    });
    const { id } = submitted;
    const attempt = await take();
    expect(attempt).toMatchObject({ tenant: "alpha", job: { id, state: "running", attempt: 1, origin } });
    await attempts.progress(attempt, { phase: "search", progress: 0.5, step: 1, steps: 2, loss: 0.1 });
    expect(await store.get("alpha", id)).toMatchObject({ state: "running", phase: "search", progress: 0.5 });
    expect(await attempts.keepAlive(attempt)).toBe(true);
    expect(await attempts.beginPublishing(attempt)).toBe(true);
    expect(await attempts.succeed(attempt, done)).toBe(true);
    expect(await store.get("alpha", id)).toMatchObject({ state: "succeeded", progress: 1, ...done });
    expect(await story(id)).toEqual([
      ...["queued submitted 0", "running taken 1", "progress search 0.5", "gates 1", "metrics 0.9"],
      "succeeded done 1",
    ]);
    expect(await attempts.take(100)).toBeUndefined();
  });

  it.skipIf(!isThere)("knows no job for another tenant, and none by what is no id", async () => {
    const { store } = await open();
    const { id } = await store.submit("alpha", submission());
    for (const [tenant, asked] of [
      ["beta", id],
      ["alpha", "job-1"],
      ["alpha", ""],
      ["alpha", id.slice(4)],
    ] as const) {
      expect(await store.get(tenant, asked)).toBeUndefined();
      expect(await store.cancel(tenant, asked)).toBeUndefined();
      expect(await store.events(tenant, asked)).toBeUndefined();
      expect(await store.wait(tenant, asked, { timeoutMs: 1 })).toBeUndefined();
      expect(await store.list(tenant, { limit: 1, after: asked })).toBeUndefined();
    }
    expect(await store.list("beta", { limit: 9 })).toEqual({ jobs: [], hasMore: false });
  });

  it.skipIf(!isThere)("begins a job again that failed by what may pass, so often and no more", async () => {
    const { store, attempts, takeLater, story, schema } = await open();
    const { id } = await store.submit("alpha", submission());
    for (let retries = 0; retries < RETRIES_MAX; retries += 1) {
      expect(await attempts.retry(await takeLater(), error)).toBe("queued");
      expect(await store.get("alpha", id)).toMatchObject({ state: "queued", attempt: retries + 1, error });
    }
    expect(await attempts.retry(await takeLater(), error)).toBe("failed");
    expect(await store.get("alpha", id)).toMatchObject({ state: "failed", error });
    expect((await story(id)).at(-1)).toBe(`failed attempts_spent ${RETRIES_MAX + 1}`);
    const { rows } = await test.database.query(
      `SELECT source_id FROM ${schema}_boss.job WHERE name = 'dead-letters'`,
    );
    expect(rows).toEqual([{ source_id: id.slice(4) }]);
  });

  it.skipIf(!isThere)(
    "a dead letter is begun again when it is asked for, as often as a new job, and its story goes on",
    async () => {
      const { store, attempts, takeLater, story, schema } = await open();
      const { id } = await store.submit("alpha", submission());
      const failOften = async () => {
        for (let failures = 0; failures <= RETRIES_MAX; failures += 1)
          await attempts.retry(await takeLater(), error);
      };
      const letters = async () =>
        (await test.database.query(`SELECT data FROM ${schema}_boss.job WHERE name = 'dead-letters'`)).rows;
      await failOften();
      expect(await store.get("alpha", id)).toMatchObject({ state: "failed", isRetriable: true });
      expect(await letters()).toEqual([{ data: { jobId: id } }]);
      expect(await store.retry("beta", id)).toBeUndefined();
      const redriven = await store.retry("alpha", id);
      expect(redriven).toMatchObject({ state: "queued", attempt: RETRIES_MAX + 1, progress: 0, error });
      expect(redriven).not.toHaveProperty("isRetriable");
      expect(await letters()).toEqual([]);
      await failOften();
      expect(await store.get("alpha", id)).toMatchObject({ state: "failed", isRetriable: true });
      const asked = await Promise.allSettled([store.retry("alpha", id), store.retry("alpha", id)]);
      expect(asked.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const last = await takeLater();
      expect(last.job).toMatchObject({ id, attempt: 2 * RETRIES_MAX + 3 });
      expect(await attempts.succeed(last, done)).toBe(true);
      const told = await story(id);
      expect(told.filter((line) => line.includes("redriven"))).toHaveLength(2);
      expect(told.at(-1)).toBe(`succeeded done ${2 * RETRIES_MAX + 3}`);
    },
  );

  it.skipIf(!isThere)(
    "begins nothing again that waits, runs, is done, or failed by what will not pass, and nothing beyond the queue's length",
    async () => {
      const { store, attempts, take, takeLater, schema } = await open({ queueLengthMax: 2 });
      const refusal = { code: "job_not_retriable" };
      const { id } = await store.submit("alpha", submission());
      await expect(store.retry("alpha", id)).rejects.toMatchObject(refusal);
      const attempt = await take();
      await expect(store.retry("alpha", id)).rejects.toMatchObject(refusal);
      await attempts.succeed(attempt, done);
      await expect(store.retry("alpha", id)).rejects.toMatchObject(refusal);
      const failed = await store.submit("alpha", submission());
      await attempts.fail(await take(), error);
      await expect(store.retry("alpha", failed.id)).rejects.toMatchObject(refusal);
      const dead = await store.submit("alpha", submission());
      for (let failures = 0; failures <= RETRIES_MAX; failures += 1)
        await attempts.retry(await takeLater(), error);
      await store.submit("alpha", submission());
      await expect(store.retry("alpha", dead.id)).rejects.toMatchObject({ code: "queue_full" });
      await test.database.query(
        `UPDATE ${schema}.jobs SET updated_at = updated_at - interval '31 days' WHERE id = $1`,
        [dead.id.slice(4)],
      );
      await expect(store.retry("alpha", dead.id)).rejects.toMatchObject(refusal);
      expect(await store.get("alpha", dead.id)).not.toHaveProperty("isRetriable");
    },
  );

  it.skipIf(!isThere)("waits longer before each retry", async () => {
    const { store, attempts, take, schema } = await open({ retryDelaySeconds: 20 });
    const { id } = await store.submit("alpha", submission());
    await attempts.retry(await take(), error);
    expect(await attempts.take(100)).toBeUndefined();
    const { rows } = await test.database.query(
      `SELECT extract(epoch FROM j.ready_at - clock_timestamp())::float8 AS seconds, abs(extract(epoch FROM b.start_after - j.ready_at)) < 0.001 AS same
       FROM ${schema}.jobs j JOIN ${schema}_boss.job b USING (id) WHERE id = $1`,
      [id.slice(4)],
    );
    expect(rows[0]).toMatchObject({ same: true });
    expect(rows[0]?.seconds).toBeGreaterThan(8);
    expect(rows[0]?.seconds).toBeLessThan(60);
  });

  it.skipIf(!isThere)("does not begin a job again whose error will not pass", async () => {
    const { store, attempts, take, story } = await open();
    const { id } = await store.submit("alpha", submission());
    expect(await attempts.fail(await take(), error)).toBe(true);
    expect(await store.get("alpha", id)).toMatchObject({ state: "failed", error });
    expect(await story(id)).toEqual(["queued submitted 0", "running taken 1", "failed error 1"]);
    expect(await attempts.take(100)).toBeUndefined();
  });

  it.skipIf(!isThere)(
    "has a job that its trainer gave back begun at once, as if it had not been",
    async () => {
      const { store, attempts, take } = await open();
      const { id } = await store.submit("alpha", submission());
      for (let times = 0; times <= RETRIES_MAX; times += 1)
        expect(await attempts.giveBack(await take())).toBe(true);
      expect(await attempts.retry(await take(), error)).toBe("queued");
      expect(await store.get("alpha", id)).toMatchObject({ state: "queued", attempt: RETRIES_MAX + 2 });
    },
  );

  it.skipIf(!isThere)("cancels what waits and what runs; its trainer is refused from then on", async () => {
    const { store, attempts, take, story } = await open();
    const waiting = await store.submit("alpha", submission());
    expect(await store.cancel("alpha", waiting.id)).toMatchObject({ state: "cancelled" });
    expect(await attempts.take(100)).toBeUndefined();
    const { id } = await store.submit("alpha", submission());
    const attempt = await take();
    expect(await store.cancel("alpha", id)).toMatchObject({ state: "cancelled" });
    expect(await store.cancel("alpha", id)).toMatchObject({ state: "cancelled" });
    expect(await attempts.keepAlive(attempt)).toBe(false);
    expect(await attempts.beginPublishing(attempt)).toBe(false);
    expect(await attempts.succeed(attempt, done)).toBe(false);
    expect(await attempts.fail(attempt, error)).toBe(false);
    expect(await attempts.retry(attempt, error)).toBeUndefined();
    expect(await attempts.giveBack(attempt)).toBe(false);
    await attempts.progress(attempt, { phase: "late", progress: 1 });
    expect(await story(id)).toEqual(["queued submitted 0", "running taken 1", "cancelled asked 1"]);
  });

  it.skipIf(!isThere)(
    "cancels nothing that publishes, also in a later attempt, nor what is finished",
    async () => {
      const { store, attempts, take, takeLater } = await open();
      const { id } = await store.submit("alpha", submission());
      const first = await take();
      await attempts.beginPublishing(first);
      const refusal = { code: "job_not_cancellable" };
      await expect(store.cancel("alpha", id)).rejects.toMatchObject(refusal);
      await attempts.retry(first, error);
      await expect(store.cancel("alpha", id)).rejects.toMatchObject(refusal);
      await attempts.succeed(await takeLater(), done);
      await expect(store.cancel("alpha", id)).rejects.toMatchObject(refusal);
    },
  );

  it.skipIf(!isThere)(
    "gives a job whose trainer is not heard from to another; the first is refused",
    async () => {
      const { store, attempts, maintain, take, takeLater, story, schema } = await open();
      const { id } = await store.submit("alpha", submission());
      const lost = await take();
      await test.database.query(
        `UPDATE ${schema}_boss.job SET heartbeat_on = now() - interval '1 hour' WHERE id = $1`,
        [id.slice(4)],
      );
      await vi.waitUntil(
        async () => {
          await maintain();
          return (await store.get("alpha", id))?.state === "queued";
        },
        { timeout: 10_000, interval: 100 },
      );
      const second = await takeLater();
      expect(second.job).toMatchObject({ id, attempt: 2 });
      expect(await attempts.beginPublishing(lost)).toBe(false);
      expect(await attempts.succeed(lost, done)).toBe(false);
      expect(await attempts.succeed(second, done)).toBe(true);
      expect((await story(id)).filter((line) => !/^(gates|metrics)/.test(line))).toEqual([
        ...["queued submitted 0", "running taken 1", "queued worker_lost 1", "running taken 2"],
        "succeeded done 2",
      ]);
    },
  );

  it.skipIf(!isThere)(
    "takes tenants in turn, and of a tenant the job of highest priority, then the oldest",
    async () => {
      const { store, attempts, take } = await open();
      for (const name of ["a1", "a2", "a3"]) await store.submit("alpha", submission(name));
      await store.submit("alpha", { ...submission("a-urgent"), priority: 5 });
      for (const name of ["b1", "b2"]) await store.submit("beta", submission(name));
      const taken: string[] = [];
      for (let index = 0; index < 6; index += 1) {
        const attempt = await take();
        taken.push(attempt.job.adapterName);
        await attempts.succeed(attempt, done);
        // One job at a time gets no more than its turn.
        if (index < 3) await store.submit("gamma", submission(`c${index}`));
      }
      expect(taken).toEqual(["a-urgent", "b1", "c0", "a1", "b2", "c1"]);
    },
  );

  it.skipIf(!isThere)("runs no more of a tenant at once than may, and others' meanwhile", async () => {
    const { store, attempts } = await open();
    for (const name of ["a1", "a2", "a3"]) await store.submit("alpha", submission(name));
    await store.submit("beta", submission("b1"));
    const [a1, b1, a2] = [await attempts.take(2), await attempts.take(2), await attempts.take(2)];
    expect([a1, b1, a2].map((attempt) => attempt?.job.adapterName)).toEqual(["a1", "b1", "a2"]);
    expect(await attempts.take(2)).toBeUndefined();
    if (a1) await attempts.succeed(a1, done);
    expect((await attempts.take(2))?.job.adapterName).toBe("a3");
  });

  it.skipIf(!isThere)("is bounded, also for jobs submitted together, and keeps room for others", async () => {
    const { store } = await open({ queueLengthMax: 6, queueLengthPerTenantMax: 4 });
    const results = await Promise.allSettled(
      Array.from({ length: 7 }, () => store.submit("alpha", submission())),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "queue_full", publicMessage: expect.stringContaining("of your jobs") },
    });
    for (let more = 0; more < 2; more += 1) await store.submit("beta", submission());
    await expect(store.submit("gamma", submission())).rejects.toMatchObject({ code: "queue_full" });
  });

  it.skipIf(!isThere)("submits the same request once for one idempotency key of one tenant", async () => {
    const { store } = await open();
    const request = { ...submission(), idempotencyKey: "k-1" };
    const [first, again] = await Promise.all([
      store.submit("alpha", request),
      store.submit("alpha", request),
    ]);
    expect(again.id).toBe(first.id);
    expect((await store.submit("beta", request)).id).not.toBe(first.id);
    const other = { ...request, adapterName: "other" };
    await expect(store.submit("alpha", other)).rejects.toMatchObject({ code: "job_key_reused" });
    const tooLong = { ...request, idempotencyKey: "k".repeat(256) };
    await expect(store.submit("alpha", tooLong)).rejects.toMatchObject({ code: "invalid_options" });
  });

  it.skipIf(!isThere)(
    "lists the newest first, by pages that miss and repeat none, also as new ones come",
    async () => {
      const { store, attempts, take } = await open();
      for (const name of ["a", "b", "a", "b", "a"]) await store.submit("alpha", submission(name));
      await attempts.fail(await take(), error);
      const names: string[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await store.list("alpha", { limit: 2, ...(after !== undefined && { after }) });
        names.push(...(page?.jobs.map(({ adapterName }) => adapterName) ?? []));
        if (!page?.hasMore) break;
        after = page.jobs.at(-1)?.id;
        await store.submit("alpha", submission("new"));
      }
      expect(names).toEqual(["a", "b", "a", "b", "a"]);
      const listed = async (filter: object) => (await store.list("alpha", { limit: 9, ...filter }))?.jobs;
      expect(await listed({ adapterName: "b" })).toHaveLength(2);
      expect(await listed({ state: "failed" })).toMatchObject([{ adapterName: "a", error }]);
      expect(await listed({ state: "failed", adapterName: "b" })).toEqual([]);
    },
  );

  it.skipIf(!isThere)("tells events as they come, and from any of them on", async () => {
    const { store, attempts, take } = await open();
    const { id } = await store.submit("alpha", submission());
    const following = collect(await store.events("alpha", id));
    const attempt = await take();
    await attempts.progress(attempt, { phase: "search", progress: 0.5 });
    await attempts.fail(attempt, error);
    const events = await following;
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(events.at(-1)?.data).toMatchObject({ state: "failed", error });
    for (let after = 0; after <= 4; after += 1) {
      expect(await collect(await store.events("alpha", id, { after }))).toEqual(events.slice(after));
    }
    expect(await collect(await store.events("alpha", id, { after: 99 }))).toEqual([]);
    const waiting = await store.submit("alpha", submission());
    const soFar = await collect(await store.events("alpha", waiting.id, { follows: false }));
    expect(soFar.map(({ seq }) => seq)).toEqual([1]);
  });

  it.skipIf(!isThere)("stops telling events when nobody listens any more", async () => {
    const { store } = await open();
    const { id } = await store.submit("alpha", submission());
    const listener = new AbortController();
    const events: JobEvent[] = [];
    for await (const event of (await store.events("alpha", id, { signal: listener.signal })) ?? []) {
      events.push(event);
      listener.abort();
    }
    expect(events).toHaveLength(1);
  });

  it.skipIf(!isThere)("has who waits for a job wait for its end, and not beyond its time", async () => {
    const { store, attempts, take } = await open();
    const { id } = await store.submit("alpha", submission());
    expect(await store.wait("alpha", id, { timeoutMs: 10 })).toMatchObject({ state: "queued" });
    const waiting = store.wait("alpha", id, { timeoutMs: 20_000 });
    await attempts.fail(await take(), error);
    expect(await waiting).toMatchObject({ state: "failed" });
  });
});

describe.runIf(postgresFolder !== undefined)("a connection that is cut off within a transaction", () => {
  it("rejects it as unavailable, and ends nothing else", async () => {
    const [, onServer] = databases;
    const test = await onServer?.start();
    if (!test) throw new Error("invariant: no server");
    const cutOff = test.database.transaction(async (tx) => {
      const { rows } = await tx.query("SELECT pg_backend_pid() AS pid");
      await test.database.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
      return tx.query("SELECT 1");
    });
    await expect(cutOff).rejects.toMatchObject({ code: "jobs_unavailable" });
    expect((await test.database.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await test.close();
  });
});

describe.runIf(postgresFolder !== undefined)("a job database whose connections are all cut off", () => {
  it("goes on: calls are answered, jobs are taken, and who follows one hears of it", async () => {
    const [, onServer] = databases;
    const test = await onServer?.start();
    if (!test) throw new Error("invariant: no server");
    const { store, attempts, close } = await test.open();
    const { id } = await store.submit("alpha", submission());
    const following = collect(await store.events("alpha", id));
    await test.database
      .query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'softgate'")
      .catch(() => undefined);
    const attempt = await vi.waitUntil(() => attempts.take(1).catch(() => undefined), { timeout: 10_000 });
    if (attempt) await attempts.fail(attempt, error);
    expect((await following).map(tell).at(-1)).toBe("failed error 1");
    await close();
    await test.close();
  });
});

async function collect(events: AsyncIterable<JobEvent> | undefined): Promise<JobEvent[]> {
  const collected: JobEvent[] = [];
  for await (const event of events ?? []) collected.push(event);
  return collected;
}

function tell({ data }: JobEvent): string {
  switch (data.type) {
    case "state":
      return `${data.state} ${data.cause} ${data.attempt}`;
    case "progress":
      return `progress ${data.phase} ${data.progress}`;
    case "gates":
      return `gates ${data.gates.length}`;
    case "metrics":
      return `metrics ${data.heldOut.accuracy}`;
  }
}
