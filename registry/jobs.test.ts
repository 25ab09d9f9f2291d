import { beforeEach, describe, expect, it } from "vitest";
import { alpha, beta, createTestRegistry, type TestRegistry } from "./test-registry.ts";

let test: TestRegistry;

beforeEach(() => {
  test = createTestRegistry();
});

describe("job records", () => {
  it("come back as they were put; the last write stands; another tenant has none", async () => {
    await test.registry.putJob(alpha, "job-1", { state: "queued" });
    await test.registry.putJob(alpha, "job-1", { state: "running", progress: 0.5 });
    expect(await test.reopen().getJob(alpha, "job-1")).toEqual({ state: "running", progress: 0.5 });
    expect(await test.registry.getJob(beta, "job-1")).toBeUndefined();
    expect(await test.registry.getJob(alpha, "../../beta/jobs/job-1")).toBeUndefined();
  });

  it("that are not finished are listed, of every tenant, and finished ones are not", async () => {
    for (const state of ["queued", "running", "succeeded", "failed"]) {
      await test.registry.putJob(alpha, `job-${state}`, { state: "queued" });
      await test.registry.putJob(alpha, `job-${state}`, { state });
    }
    await test.registry.putJob(beta, "job-1", { state: "queued" });
    expect(await test.reopen().listUnfinishedJobs()).toEqual([
      { tenant: "alpha", id: "job-queued", record: { state: "queued" } },
      { tenant: "alpha", id: "job-running", record: { state: "running" } },
      { tenant: "beta", id: "job-1", record: { state: "queued" } },
    ]);
  });

  it("of an unfinished job are never missing from the list, wherever a write died", async () => {
    await test.registry.putJob(alpha, "another", { state: "failed" });
    for (const write of [0, 1]) {
      const id = `job-${write}`;
      test.store.revive();
      test.store.faults.set(write, "after");
      await expect(test.registry.putJob(alpha, id, { state: "queued" })).rejects.toThrow("fault");
      const unfinished = await test.reopen().listUnfinishedJobs();
      const isStored = (await test.registry.getJob(alpha, id)) !== undefined;
      expect(unfinished.some((job) => job.id === id)).toBe(isStored);
    }
    test.store.revive();
    test.store.faults.set(1, "before");
    await expect(test.registry.putJob(alpha, "job-1", { state: "failed" })).rejects.toThrow("fault");
    expect(await test.reopen().listUnfinishedJobs()).toEqual([]);
    expect((await test.store.list({ prefix: "tenants/alpha/unfinished-jobs/job-1" })).keys).toEqual([]);
  });

  it.each([
    ["a path as id", "../x", {}, "invalid_name"],
    ["an endless id", "x".repeat(65), {}, "invalid_name"],
    ["too long a record", "job-1", { text: "x".repeat(256 * 1024) }, "limit_exceeded"],
  ])("refuse %s", async (_, id, record, code) => {
    await expect(test.registry.putJob(alpha, id, record)).rejects.toMatchObject({ code });
    expect(test.store.calls).toEqual([]);
  });
});
