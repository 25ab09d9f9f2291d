// A job database that hangs: its connections stay open, and nothing comes. A real Postgres behind a proxy that stalls.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTestApp, type TestApp } from "../functions/test-app.ts";
import { type OpenedJobs, openJobs } from "../trainer/jobs/open-jobs.ts";
import { openPostgres } from "../trainer/jobs/postgres.ts";
import { submission } from "../trainer/jobs/test-jobs.ts";
import { postgresFolder, startPostgres, type TestPostgres } from "./helpers/postgres.ts";
import { type StallingProxy, startStallingProxy } from "./helpers/stalling-proxy.ts";

const BOUND_MS = 1_000;
/** Of a busy machine; without a bound it would never come. */
const ANSWER_MS_MAX = 5 * BOUND_MS;

describe.skipIf(postgresFolder === undefined)("a job database that hangs", () => {
  let postgres: TestPostgres;
  let proxy: StallingProxy;
  let jobs: OpenedJobs;
  let test: TestApp;
  beforeAll(async () => {
    postgres = await startPostgres(postgresFolder ?? "");
    // Its tables take longer than the bound, on a busy machine.
    await (await openJobs(openPostgres(postgres.url), { log: () => undefined })).close();
    const url = new URL(postgres.url);
    proxy = await startStallingProxy(Number(url.port));
    url.port = String(proxy.port);
    const database = openPostgres(url.href, { connectMsMax: BOUND_MS, queryMsMax: BOUND_MS });
    jobs = await openJobs(database, { log: () => undefined });
    const { store, webhooks, close } = jobs;
    test = await createTestApp({ jobs: Object.assign(store, { webhooks, close }) });
  });
  afterAll(async () => {
    // Hanging still: the end does not wait for it either.
    proxy?.stall();
    await jobs?.close();
    await proxy?.close();
    await postgres?.stop();
  });

  /** Of a request: its status and code, and that they came in time. */
  async function ask(method: string, path: string): Promise<unknown[]> {
    const startedAtMs = performance.now();
    const response = await test.send(method, path);
    expect(performance.now() - startedAtMs).toBeLessThan(ANSWER_MS_MAX);
    const { code } = (await response.json()) as { code?: string };
    return [response.status, code, response.headers.get("retry-after")];
  }

  const unavailable = [503, "jobs_unavailable", "5"];

  it("is answered with 503 within a bound, on connections that are open and on new ones, and used again when it comes back", async () => {
    const { id } = await jobs.store.submit("alpha", submission());
    expect(await ask("GET", `/v1/jobs/${id}`)).toEqual([200, undefined, null]);
    proxy.stall();
    expect(await ask("GET", `/v1/jobs/${id}`)).toEqual(unavailable);
    // In a transaction, and more of them at once than the pool has connections.
    const many = Array.from({ length: 15 }, () => ask("POST", `/v1/jobs/${id}/cancel`));
    expect(await Promise.all(many)).toEqual(many.map(() => unavailable));
    expect(await ask("GET", "/v1/jobs")).toEqual(unavailable);
    proxy.resume();
    expect(await ask("POST", `/v1/jobs/${id}/cancel`)).toEqual([200, undefined, null]);
  });

  it("is not taken for changed by a statement that hung within a transaction", async () => {
    const { id } = await jobs.store.submit("alpha", submission());
    proxy.stall();
    await expect(jobs.store.cancel("alpha", id)).rejects.toMatchObject({ code: "jobs_unavailable" });
    proxy.resume();
    expect(await jobs.store.get("alpha", id)).toMatchObject({ state: "queued" });
    expect(await jobs.store.cancel("alpha", id)).toMatchObject({ state: "cancelled" });
  });

  it("is left without a connection by a listener that it did not let listen", async () => {
    const database = openPostgres(postgres.url);
    try {
      const listening = database.listen("no channel", () => undefined);
      await expect(listening).rejects.toMatchObject({ code: "jobs_unavailable" });
      const left = "SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN no channel'";
      await vi.waitUntil(async () => (await database.query(left)).rows.length === 0);
    } finally {
      await database.close();
    }
  });
});
