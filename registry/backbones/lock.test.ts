import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "./lock.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-lock-"));
  path = join(folder, "one.lock");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it("lets one task in at a time and leaves no file, also after a failure", async () => {
  let inside = 0;
  const task = async (order: number) => {
    inside += 1;
    await new Promise((resolve) => setImmediate(resolve));
    expect(inside).toBe(1);
    inside -= 1;
    if (order === 1) throw new Error("broken");
    return order;
  };
  const results = await Promise.allSettled([0, 1, 2].map((order) => withLock(path, () => task(order))));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await readdir(folder)).toEqual([]);
});

it("takes over from a process that is gone", async () => {
  await writeFile(path, "");
  await utimes(path, new Date(0), new Date(0));
  expect(await withLock(path, async () => "mine")).toBe("mine");
});

it("waits no longer than the caller does", async () => {
  await writeFile(path, "");
  await expect(withLock(path, async () => "mine", AbortSignal.abort())).rejects.toThrow(/abort/);
});
