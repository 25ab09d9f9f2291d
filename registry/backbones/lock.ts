// One pull of a backbone at a time, over all processes of the machine: the others wait, then find it done.
// Only saves work. Should two hold the lock after a stall, both write the same verified bytes.
import { open, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isMissing } from "./record.ts";

const TOUCH_MS = 1_000;
const STALE_MS = 10_000;
const POLL_MS = 100;

/** Runs task while holding the lock file at path. A lock nobody touched for 10 s is taken over. */
export async function withLock<Result>(
  path: string,
  task: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  while (!(await tryLock(path))) await sleep(POLL_MS, undefined, signal ? { signal } : {});
  const now = () => new Date();
  // A failed touch only lets the lock go stale, which is safe.
  const timer = setInterval(() => void utimes(path, now(), now()).catch(() => undefined), TOUCH_MS).unref();
  try {
    return await task();
  } finally {
    clearInterval(timer);
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await (await open(path, "wx")).close();
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    if (await isStale(path)) await rm(path, { force: true });
    return false;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
