// Dead letters on the command line: of a server over HTTP, and of the job database beside a store.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { softgate } from "../cli/test-io.ts";
import { listen } from "../functions/listen.ts";
import { createTestApp } from "../functions/test-app.ts";
import { TrainerError } from "../trainer/errors.ts";
import { openEmbedded } from "../trainer/jobs/embedded.ts";
import { openJobs } from "../trainer/jobs/open-jobs.ts";
import { RETRIES_MAX } from "../trainer/jobs/queue.ts";
import { submission } from "../trainer/jobs/test-jobs.ts";

const LOCAL_MS_MAX = 120_000;
const error = { code: "training_failed", message: "It broke." };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("of a server are listed and retried, alone or all, and other jobs are left as they are", async () => {
  const { app, keys, jobs } = await createTestApp();
  const listener = await listen(app.fetch, { host: "127.0.0.1", port: 0 });
  const env = { SOFTGATE_CONFIG: folder, SOFTGATE_SERVER: listener.url, SOFTGATE_KEY: keys.alpha };
  const run = (...args: string[]) => softgate(["jobs", ...args], { env });
  try {
    for (const name of ["a", "b", "c", "d"]) await jobs.submit("alpha", submission(name));
    for (const id of ["job-1", "job-2", "job-3"]) jobs.set(id, { state: "failed", error, isRetriable: true });
    jobs.set("job-4", { state: "failed", error });
    expect((await run("show", "job-1")).stdout).toContain("Next: softgate jobs retry job-1");
    expect((await run("retry", "job-1")).stdout).toBe("Job job-1 is queued again. Before: It broke.\n");
    const listed = await run("dead-letters");
    expect(listed.stdout.match(/job-\d/g)).toEqual(["job-2", "job-3"]);
    const { stdout } = await run("dead-letters", "--adapter", "c", "--json");
    expect(JSON.parse(stdout).jobs).toMatchObject([{ id: "job-3", retriable: true }]);
    const retried = await run("dead-letters", "--retry");
    expect(retried.stderr).toBe("Job job-2 is in line again.\nJob job-3 is in line again.\n");
    expect((await run("dead-letters")).stdout).toBe("No dead letters.\n");
    const states = await Promise.all([1, 2, 3, 4].map((number) => jobs.get("alpha", `job-${number}`)));
    expect(states.map((job) => job?.state)).toEqual(["queued", "queued", "queued", "failed"]);
    expect(await run("retry", "job-9")).toMatchObject({ exitCode: 3 });
  } finally {
    await listener.close();
  }
});

it("that somebody else has retried meanwhile keeps none of the others back", async () => {
  const { app, keys, jobs } = await createTestApp();
  const listener = await listen(app.fetch, { host: "127.0.0.1", port: 0 });
  const env = { SOFTGATE_CONFIG: folder, SOFTGATE_SERVER: listener.url, SOFTGATE_KEY: keys.alpha };
  try {
    for (const name of ["a", "b"]) await jobs.submit("alpha", submission(name));
    for (const id of ["job-1", "job-2"]) jobs.set(id, { state: "failed", error, isRetriable: true });
    const retry = jobs.retry.bind(jobs);
    jobs.retry = (tenant, id) => {
      if (id === "job-1") throw new TrainerError("job_not_retriable", "The job is queued.");
      return retry(tenant, id);
    };
    const retried = await softgate(["jobs", "dead-letters", "--retry"], { env });
    expect(retried).toMatchObject({ exitCode: 0, stderr: "Job job-2 is in line again.\n" });
  } finally {
    await listener.close();
  }
});

it(
  "of the job database beside a store are retried without a server, of their tenant alone, and no database is made to look for them",
  async () => {
    const store = `file:${join(folder, "store")}`;
    const run = (...args: string[]) => softgate(["jobs", ...args, "--store", store, "--tenant", "acme"]);
    const nowhere = await run("dead-letters");
    expect(nowhere).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("There are no jobs") });
    const id = await makeDeadLetter(join(folder, "store.jobs"));
    expect(JSON.parse((await run("dead-letters", "--retry", "--json")).stdout)).toMatchObject({
      jobs: [{ id, state: "queued", attempt: RETRIES_MAX + 1, adapterName: "router" }],
    });
    expect(await run("retry", id)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("queued") });
    const others = await softgate(["jobs", "show", id, "--store", store]);
    expect(others).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("no job") });
  },
  LOCAL_MS_MAX,
);

/** The job's id. */
async function makeDeadLetter(place: string): Promise<string> {
  const database = await openEmbedded({ folder: place });
  const { store, attempts, close } = await openJobs(database, { log: () => undefined });
  const { id } = await store.submit("acme", submission());
  for (let failures = 0; failures <= RETRIES_MAX; failures += 1) {
    await database.query(
      "UPDATE softgate_boss.job SET start_after = now(); UPDATE softgate.jobs SET ready_at = clock_timestamp()",
    );
    const attempt = await attempts.take(1);
    if (attempt) await attempts.retry(attempt, error);
  }
  await close();
  return id;
}
