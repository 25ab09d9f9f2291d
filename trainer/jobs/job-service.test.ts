// The job database as a server opens it: beside its start, in a folder of one process, and again where it could not be.
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbedded } from "./embedded.ts";
import { type JobService, openJobService } from "./job-service.ts";
import { type JobPlace, jobPlaceOf } from "./open-database.ts";
import { submission } from "./test-jobs.ts";

let folder: string;
let lines: Record<string, unknown>[];
const services: JobService[] = [];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "softgate-jobs-")), "jobs");
  lines = [];
});
afterEach(async () => {
  for (const service of services.splice(0)) await service.close();
  await rm(join(folder, ".."), { recursive: true, force: true });
});

function open(place: JobPlace = { folder }): JobService {
  const service = openJobService(place, { log: (event) => void lines.push(event) });
  services.push(service);
  return service;
}

/** Made anew, it takes some seconds of a processor. */
describe("the embedded job database", { timeout: 120_000 }, () => {
  it("is not made before there is a job, and is found again with all jobs", async () => {
    const first = open();
    first.begin();
    await new Promise((resolve) => setImmediate(resolve));
    expect(existsSync(folder)).toBe(false);
    const { id } = await first.submit("alpha", submission());
    await first.close();
    expect(await open().get("alpha", id)).toMatchObject({ id, state: "queued" });
  });

  it("is of one process: a second says so and what to do, and opens once the first has ended", async () => {
    const first = open();
    const { id } = await first.submit("alpha", submission());
    const second = open();
    second.begin();
    await expect(second.get("alpha", id)).rejects.toMatchObject({
      code: "jobs_unavailable",
      publicMessage: expect.stringMatching(/another process.*DATABASE_URL/s),
    });
    await first.close();
    await vi.waitUntil(() => second.get("alpha", id).catch(() => undefined), {
      timeout: 100_000,
      interval: 100,
    });
    expect(lines).toContainEqual(expect.objectContaining({ event: "jobs_unavailable" }));
  });

  it("keeps what it has answered when its process is killed, and its folder is free again", async () => {
    const program = fileURLToPath(new URL("./embedded-process.ts", import.meta.url));
    const child = fork(program, [folder], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(child, "message");
    child.send({ id: 1, text: "CREATE TABLE kept (number integer)" });
    await once(child, "message");
    for (let number = 0; number < 50; number += 1) {
      child.send({ id: number, text: "INSERT INTO kept VALUES ($1)", values: [number] });
      await once(child, "message");
    }
    child.kill("SIGKILL");
    await once(child, "exit");
    const database = await openEmbedded({ folder });
    const { rows } = await database.query("SELECT count(*)::int AS count FROM kept");
    await database.close();
    expect(rows).toEqual([{ count: 50 }]);
  });

  it("outlasts what is signalled to all processes of a terminal: its parent decides", async () => {
    const program = fileURLToPath(new URL("./embedded-process.ts", import.meta.url));
    const child = fork(program, [""], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(child, "message");
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) child.kill(signal);
    child.send({ id: 1, text: "SELECT 1 AS one" });
    expect(await once(child, "message")).toMatchObject([{ type: "answer", rows: [{ one: 1 }] }, undefined]);
    child.disconnect();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("says which folder it cannot write to, and how to name another", async () => {
    await writeFile(join(folder, "..", "file"), "");
    const below = join(folder, "..", "file", "jobs");
    await expect(open({ folder: below }).get("alpha", "job-1")).rejects.toMatchObject({
      code: "jobs_unavailable",
      publicMessage: expect.stringMatching(/file.jobs.*--data/s),
    });
  });

  it("answers no call after its end", async () => {
    const service = open("memory");
    await service.opened();
    await service.close();
    await expect(service.list("alpha", { limit: 1 })).rejects.toMatchObject({ code: "jobs_unavailable" });
  });
});

describe("a Postgres server that is not there", () => {
  it.each(["postgres://127.0.0.1:1/none", "no url"])(
    "is named by what must be right: %s",
    async (databaseUrl) => {
      await expect(open({ databaseUrl }).get("alpha", "job-1")).rejects.toMatchObject({
        code: "jobs_unavailable",
        publicMessage: expect.stringContaining("DATABASE_URL"),
      });
    },
  );
});

describe("the place of jobs", () => {
  it("is a server's where one is named, else the folder that is, else beside the store", () => {
    const databaseUrl = "postgres://db/softgate";
    expect(jobPlaceOf("memory:", { databaseUrl, dataFolder: "/data" })).toEqual({ databaseUrl });
    expect(jobPlaceOf("memory:", { dataFolder: "/data" })).toEqual({ folder: join("/data", "jobs") });
    expect(jobPlaceOf("memory:", {})).toBe("memory");
    for (const store of ["file:/stores/one", "file:/stores/one/"]) {
      expect(jobPlaceOf(store, {})).toEqual({ folder: "/stores/one.jobs" });
    }
  });

  it("of another store is a folder of the user's own, one for each store", () => {
    vi.stubEnv("XDG_DATA_HOME", "");
    const [one, other] = ["s3://one", "s3://other"].map((store) => jobPlaceOf(store, {}));
    expect(one).not.toEqual(other);
    expect(JSON.stringify(one)).toContain(homedir());
    expect(JSON.stringify(one)).not.toContain("s3:");
  });
});
