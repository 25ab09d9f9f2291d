import { beforeEach, describe, expect, it } from "vitest";
import { RecentReads } from "./recent-reads.ts";

let nowMs: number;
let reads: RecentReads<{ value: number }>;

beforeEach(() => {
  nowMs = 0;
  reads = new RecentReads({ ageMsMax: 100, entriesMax: 2, nowMs: () => nowMs });
});

describe("RecentReads", () => {
  it("counts an answer's age from the start of its read", async () => {
    const slow = Promise.withResolvers<{ value: number }>();
    const first = reads.read("a", () => slow.promise);
    nowMs = 99;
    slow.resolve({ value: 1 });
    expect(await first).toEqual({ value: 1 });
    nowMs = 100;
    expect(await reads.read("a", async () => ({ value: 2 }))).toEqual({ value: 2 });
  });

  it("gives out no read that began before a forget", async () => {
    const slow = Promise.withResolvers<{ value: number }>();
    const stale = reads.read("a", () => slow.promise);
    reads.forget("a");
    expect(await reads.read("a", async () => ({ value: 2 }))).toEqual({ value: 2 });
    slow.resolve({ value: 1 });
    await stale;
    expect(await reads.read("a", async () => ({ value: 3 }))).toEqual({ value: 2 });
  });

  it("keeps neither absence nor failure", async () => {
    expect(await reads.read("a", async () => undefined)).toBeUndefined();
    const failing = reads.read("a", async () => {
      throw new Error("store down");
    });
    await expect(failing).rejects.toThrow("store down");
    expect(await reads.read("a", async () => ({ value: 1 }))).toEqual({ value: 1 });
  });

  it("holds no more than its limit", async () => {
    for (const key of ["a", "b", "c"]) await reads.read(key, async () => ({ value: 1 }));
    expect(await reads.read("a", async () => ({ value: 2 }))).toEqual({ value: 2 });
  });
});
