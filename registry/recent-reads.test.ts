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

describe("RecentReads with a refresh", () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  let changes: [next: number, previous: number][];
  let loads: number;
  const load = async () => ({ value: ++loads });
  const beforeChange = async (next: { value: number }, previous: { value: number }) =>
    void changes.push([next.value, previous.value]);

  beforeEach(() => {
    reads = new RecentReads({ ageMsMax: 100, refreshMs: 50, entriesMax: 2, nowMs: () => nowMs });
    changes = [];
    loads = 0;
  });

  it("reads again beside its readers: none of them waits, and one read is enough for all", async () => {
    await reads.read("a", load, beforeChange);
    nowMs = 50;
    const slow = Promise.withResolvers<{ value: number }>();
    const during = [1, 2, 3].map(() => reads.read("a", () => slow.promise, beforeChange));
    expect(await Promise.all(during)).toEqual([{ value: 1 }, { value: 1 }, { value: 1 }]);
    slow.resolve({ value: 2 });
    await settled();
    expect(await reads.read("a", load, beforeChange)).toEqual({ value: 2 });
    expect({ loads, changes }).toEqual({ loads: 1, changes: [[2, 1]] });
  });

  it("gives out the answer before while a change is prepared, but never one that is too old", async () => {
    await reads.read("a", load);
    nowMs = 60;
    const prepared = Promise.withResolvers<void>();
    await reads.read("a", load, () => prepared.promise);
    await settled();
    nowMs = 99;
    expect(await reads.read("a", load)).toEqual({ value: 1 });
    nowMs = 100;
    expect(await reads.read("a", load)).toEqual({ value: 3 });
    prepared.resolve();
    await settled();
    expect(await reads.read("a", load)).toEqual({ value: 3 });
  });

  it("counts the age of what was read again from the start of that read", async () => {
    await reads.read("a", load);
    nowMs = 50;
    await reads.read("a", load);
    await settled();
    nowMs = 149;
    expect(await reads.read("a", async () => ({ value: 9 }))).toEqual({ value: 2 });
    nowMs = 250;
    expect(await reads.read("a", async () => ({ value: 9 }))).toEqual({ value: 9 });
  });

  it("keeps what it has when reading again fails, and drops it when it is gone", async () => {
    await reads.read("a", load);
    nowMs = 50;
    const failing = async () => {
      throw new Error("store down");
    };
    expect(await reads.read("a", failing)).toEqual({ value: 1 });
    await settled();
    expect(await reads.read("a", failing)).toEqual({ value: 1 });
    nowMs = 100;
    await expect(reads.read("a", failing)).rejects.toThrow("store down");
    await reads.read("b", load);
    nowMs = 150;
    await reads.read("b", async () => undefined);
    await settled();
    expect(await reads.read("b", async () => undefined)).toBeUndefined();
  });

  it("gives out nothing of a refresh that began before a forget", async () => {
    await reads.read("a", load);
    nowMs = 50;
    const slow = Promise.withResolvers<{ value: number }>();
    await reads.read("a", () => slow.promise);
    reads.forget("a");
    await reads.read("a", async () => ({ value: 7 }));
    slow.resolve({ value: 6 });
    await settled();
    expect(await reads.read("a", load)).toEqual({ value: 7 });
  });
});
