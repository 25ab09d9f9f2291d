// Real processes and real signals: what is left when a training is interrupted, or its server killed.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeTickets } from "../test/helpers/tickets.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { type Api, createApi } from "./quickstart/api.ts";
import { softgate } from "./test-io.ts";
import { startSoftgate } from "./test-process.ts";

/** README.md states less: this is for machines that do much else. */
const END_MS_MAX = 20_000;
const START_MS_MAX = 60_000;
const TRAINING = { timeout: START_MS_MAX, interval: 20 };
const ENDING = { timeout: END_MS_MAX, interval: 20 };

let folder: string;
let backbone: string;
let env: Record<string, string>;
const csv = makeTickets({ seed: 1, rowsPerLabel: 60 }).csv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-interrupt-"));
  backbone = join(folder, "tiny");
  env = { SOFTGATE_CACHE: join(folder, "cache") };
  process.env.SOFTGATE_CACHE = env.SOFTGATE_CACHE;
  await writeTinyBackbone(backbone);
  await writeFile(join(folder, "train.csv"), csv);
});
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  delete process.env.SOFTGATE_CACHE;
  await rm(folder, { recursive: true });
});

function start(...args: string[]) {
  const { child, printed } = startSoftgate(args, env);
  started.push(child);
  return { child, printed };
}

/** The process that computes for another; a server has one for its job database too. */
async function trainerOf({ pid }: ChildProcess): Promise<number> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
  for (const child of pids) {
    if ((await readFile(`/proc/${child}/cmdline`, "utf8")).includes("train-child")) return Number(child);
  }
  throw new Error("no trainer runs");
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** `softgate train`, and the process that computes for it, as soon as a phase of it has begun. */
async function trainUntil(phase: string, store: string) {
  const files = ["--data", join(folder, "train.csv"), "--backbone", backbone, "--store", `file:${store}`];
  const { child, printed } = start("train", ...files, "--name", "x", "--epochs", "200");
  await vi.waitUntil(() => printed.text.includes(`Training: ${phase}`), TRAINING);
  return { child, printed, trainer: await trainerOf(child) };
}

describe.runIf(process.platform === "linux")("softgate train", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "interrupted by %s amid its steps ends soon, ends its child, and leaves no file",
    async (signal) => {
      const store = join(folder, `store ${signal}`);
      const { child, printed, trainer } = await trainUntil("search", store);
      expect(isAlive(trainer)).toBe(true);
      const ended = once(child, "exit");
      const atMs = performance.now();
      child.kill(signal);
      expect(await ended).toEqual([130, null]);
      expect(performance.now() - atMs).toBeLessThan(END_MS_MAX);
      expect(isAlive(trainer)).toBe(false);
      expect(printed.text).toContain("Interrupted.");
      expect(await filesIn(store)).toEqual([]);
    },
    2 * START_MS_MAX,
  );

  it(
    "killed in whatever phase leaves no file either, its child ends by itself, and what is trained next is version 1",
    async () => {
      const store = join(folder, "store killed");
      for (const phase of ["embed", "search", "retrain"]) {
        const { child, trainer } = await trainUntil(phase, store);
        child.kill("SIGKILL");
        await vi.waitUntil(() => !isAlive(trainer), ENDING);
        expect(await filesIn(store)).toEqual([]);
      }
      const data = ["--data", join(folder, "train.csv"), "--backbone", backbone, "--store", `file:${store}`];
      const again = await softgate(["train", ...data, "--name", "x", "--epochs", "1", "--json"]);
      expect(JSON.parse(again.stdout)).toMatchObject({ adapterId: "x:1" });
    },
    4 * START_MS_MAX,
  );

  it(
    "whose child is killed says so, and leaves no file",
    async () => {
      const store = join(folder, "store of a killed child");
      const { child, printed, trainer } = await trainUntil("search", store);
      const ended = once(child, "exit");
      process.kill(trainer, "SIGKILL");
      expect(await ended).toEqual([1, null]);
      expect(printed.text).toContain("was ended by SIGKILL before it was done");
      expect(await filesIn(store)).toEqual([]);
    },
    2 * START_MS_MAX,
  );
});

describe.runIf(process.platform === "linux")("a server ended amid a training", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)(
    "by %s takes its trainer along; the next one begins the job anew, and one version appears",
    async (signal) => {
      const storeUrl = `file:${join(folder, `store of a server ended by ${signal}`)}`;
      const key = (await softgate(["keys", "create", "--store", storeUrl])).stdout.trim();
      const serve = async () => {
        const { child, printed } = start("serve", "--port", "0", "--store", storeUrl, "--backbone", backbone);
        const [url = ""] = await vi.waitUntil(() => /http:\/\/[\d.]+:\d+/.exec(printed.text), TRAINING);
        return { child, api: createApi(url, key) };
      };
      const first = await serve();
      const { id: datasetId } = await first.api.upload({ bytes: Buffer.from(csv), name: "tickets.csv" });
      const jobId = await first.api.train({
        name: "tickets",
        datasetId,
        options: { method: "spt", epochs: 2 },
      });
      await untilPhase(first.api, jobId, "search");
      const trainer = await trainerOf(first.child);
      const firstEnded = once(first.child, "exit");
      first.child.kill(signal);
      await firstEnded;
      await vi.waitUntil(() => !isAlive(trainer), ENDING);

      const second = await serve();
      await vi.waitUntil(async () => (await second.api.job(jobId)).state === "succeeded", TRAINING);
      expect(await second.api.job(jobId)).toMatchObject({
        attempt: 2,
        adapter: { name: "tickets", version: 1 },
      });
      const list = await softgate(["adapters", "list", "--store", storeUrl, "--json"]);
      expect(JSON.parse(list.stdout)).toMatchObject({ adapters: [{ name: "tickets", latestVersion: 1 }] });

      const ended = once(second.child, "exit");
      second.child.kill("SIGTERM");
      await ended;
    },
    4 * START_MS_MAX,
  );
});

async function untilPhase(api: Api, jobId: string, phase: string): Promise<void> {
  await vi.waitUntil(async () => (await api.job(jobId)).phase === phase, TRAINING);
}
