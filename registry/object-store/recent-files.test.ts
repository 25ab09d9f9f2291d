import { mkdtemp, rename, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RECENT_FILE_BYTES_MAX } from "../limits.ts";
import { FileStore } from "./file.ts";

let folder: string;
let store: FileStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-recent-"));
  store = new FileStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const isLinux = process.platform === "linux";

/** Whether it was read before the event loop went round, which the thread pool cannot do. */
async function isReadAtOnce(key: string): Promise<boolean> {
  let isRead = false;
  store.get(key).then(() => {
    isRead = true;
  });
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  return isRead;
}

/** Written, and read until the system has told what kind of file system this is. */
async function written(key: string, content: string): Promise<string> {
  await store.put(key, Buffer.from(content));
  while (!(await isReadAtOnce(key))) await setImmediate();
  return join(folder, key);
}

it.runIf(isLinux)(
  "what was read a moment ago is read again without the thread pool, and is what stands now",
  async () => {
    const path = await written("a", "one");
    expect(await isReadAtOnce("a")).toBe(true);
    await writeFile(`${path}.new`, "two");
    await rename(`${path}.new`, path);
    expect(Buffer.from((await store.get("a"))?.bytes ?? []).toString()).toBe("two");
    await rm(path);
    expect(await store.get("a")).toBeUndefined();
    expect(await isReadAtOnce("a")).toBe(true);
  },
);

it.runIf(isLinux)("so is what lies in a folder that was made after it was first looked at", async () => {
  store = new FileStore(join(folder, "new"));
  expect(await store.get("a")).toBeUndefined();
  await expect(statfs(join(folder, "new"))).rejects.toThrow("ENOENT");
  await written("a", "one");
  expect(await isReadAtOnce("a")).toBe(true);
});

it.runIf(isLinux)("what was not read before, or is large, goes through the thread pool", async () => {
  await written("a", "one");
  await store.put("b", Buffer.from("two"));
  expect(await isReadAtOnce("b")).toBe(false);
  await store.put("large", Buffer.alloc(RECENT_FILE_BYTES_MAX + 1));
  await store.get("large");
  expect(await isReadAtOnce("large")).toBe(false);
});
