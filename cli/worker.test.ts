// Real processes on a real Postgres: servers and workers that share jobs, and what becomes of these when one is killed.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { postgresFolder, startPostgres, type TestPostgres } from "../test/helpers/postgres.ts";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { type Api, createApi } from "./quickstart/api.ts";
import { softgate } from "./test-io.ts";
import { type SoftgateProcess, startSoftgate, urlOf } from "./test-process.ts";

const START_MS_MAX = 60_000;
const WAITING = { timeout: START_MS_MAX, interval: 50 };

let folder: string;
let postgres: TestPostgres;
let env: Record<string, string>;
let common: string[];
const started: ChildProcess[] = [];

describe.runIf(postgresFolder !== undefined)("jobs of a Postgres server", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-worker-"));
    await writeTinyBackbone(join(folder, "tiny"));
    postgres = await startPostgres(postgresFolder ?? "");
    env = { SOFTGATE_CACHE: join(folder, "cache"), DATABASE_URL: postgres.url };
    common = ["--store", `file:${join(folder, "store")}`, "--backbone", join(folder, "tiny")];
  });
  afterAll(async () => {
    for (const child of started) child.kill("SIGKILL");
    await postgres.stop();
    await rm(folder, { recursive: true });
  });

  const start = (...args: string[]): SoftgateProcess => {
    const process = startSoftgate([...args, ...common], env);
    started.push(process.child);
    return process;
  };
  const latestVersion = async () => {
    const { stdout } = await softgate(["adapters", "list", ...common.slice(0, 2), "--json"]);
    return (JSON.parse(stdout) as { adapters: { latestVersion: number }[] }).adapters[0]?.latestVersion;
  };
  const startWorking = async () => {
    const worker = start("worker");
    await vi.waitUntil(() => worker.stdout().includes("Training"), WAITING);
    return worker;
  };

  it(
    "are trained by workers elsewhere; when one is killed amid a training another finishes, with one version",
    async () => {
      const server = start("serve", "--port", "0", "--trainers", "0");
      const key = (await softgate(["keys", "create", ...common.slice(0, 2)])).stdout.trim();
      const api = createApi(await urlOf(server, START_MS_MAX), key);
      const csv = makeTickets({ seed: 1, rowsPerLabel: 60 }).csv;
      const { id: datasetId } = await api.upload({ bytes: Buffer.from(csv), name: "tickets.csv" });
      // Long enough that the other worker is there before the first is done.
      const options = { method: "spt", epochs: 10 };
      const jobId = await api.train({ name: "tickets", datasetId, options });
      const killed = await startWorking();
      await vi.waitUntil(async () => (await api.job(jobId)).phase === "search", WAITING);
      const other = await startWorking();
      killed.child.kill("SIGKILL");
      await finished(api, jobId);
      expect(await api.job(jobId)).toMatchObject({ attempt: 2, adapter: { name: "tickets", version: 1 } });
      expect(other.stderr()).toContain("job_succeeded");
      expect(await latestVersion()).toBe(1);

      // Cancelled on the server, ended where it is trained.
      const cancelled = await api.train({ name: "tickets", datasetId, options });
      await vi.waitUntil(async () => (await api.job(cancelled)).phase === "search", WAITING);
      expect(await api.cancel(cancelled)).toMatchObject({ state: "cancelled" });
      await vi.waitUntil(() => other.stderr().includes("job_ended"), WAITING);
      expect(await latestVersion()).toBe(1);
    },
    4 * START_MS_MAX,
  );
});

describe("softgate worker", () => {
  it("without DATABASE_URL says what to set, and what to do without", async () => {
    const { exitCode, stderr } = await softgate(["worker", "--store", "memory:"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/DATABASE_URL.*--trainers/s);
  });
});

async function finished(api: Api, jobId: string): Promise<void> {
  await vi.waitUntil(async () => (await api.job(jobId)).state === "succeeded", WAITING);
}
