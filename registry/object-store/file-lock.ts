// One holder per name among all processes on a folder. A lock is a symbolic link whose target says who
// holds it, so that it is never there without saying so; where there are none, a file made with O_EXCL.
// Work under a lock takes milliseconds, so a lock is stale when its process is gone or it is older than
// LOCK_STALE_MS. Whoever removes a stale lock holds a second one while it looks again, so that nobody
// removes a fresh lock that took the stale one's place. A holder that was halted for so long learns it
// from confirm().
import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { RegistryError } from "../errors.ts";
import { hasCode } from "./file-errors.ts";

const LOCK_STALE_MS = 15_000;
const LOCK_WAIT_MS_MAX = 30_000;
const POLL_MS_MAX = 20;

/** Throws when the lock has been taken over. */
export type Confirm = () => Promise<void>;

export class FileLocks {
  readonly #folder: string;
  /** Within this process, waiters queue here and do not poll. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws store_unreachable when the lock is not to be had in LOCK_WAIT_MS_MAX. */
  async hold<Result>(name: string, work: (confirm: Confirm) => Promise<Result>): Promise<Result> {
    const turn = (this.#queues.get(name) ?? Promise.resolve()).then(() => this.#holdFile(name, work));
    const settled = turn.then(ignore, ignore);
    this.#queues.set(name, settled);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(name) === settled) this.#queues.delete(name);
    }
  }

  async #holdFile<Result>(name: string, work: (confirm: Confirm) => Promise<Result>): Promise<Result> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, createHash("sha256").update(name).digest("hex"));
    const owner = `${hostname()} ${process.pid} ${randomUUID()}`;
    const isOurs = async () => (await readIfThere(path)) === owner;
    await acquire(path, owner);
    try {
      return await work(async () => {
        if (!(await isOurs())) throw lockError(path, "was taken over");
      });
    } finally {
      if (await isOurs()) await rm(path, { force: true });
    }
  }
}

async function acquire(path: string, owner: string): Promise<void> {
  const deadlineMs = performance.now() + LOCK_WAIT_MS_MAX;
  while (!(await createIfFree(path, owner))) {
    if (performance.now() > deadlineMs) throw lockError(path, "is held");
    if (!(await removeIfStale(path))) await setTimeout(1 + Math.random() * POLL_MS_MAX);
  }
}

/** Whether the lock may be free now. */
async function removeIfStale(path: string): Promise<boolean> {
  if (!(await isStale(path))) return false;
  const removal = `${path}.removal`;
  if (!(await createIfFree(removal, "removal"))) {
    if (await isOld(removal)) await rm(removal, { force: true });
    return false;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
    return true;
  } finally {
    await rm(removal, { force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const [host, pid] = (await readIfThere(path))?.split(" ") ?? [];
  if (host === hostname() && pid !== undefined && !isRunning(Number(pid))) return true;
  return isOld(path);
}

async function isOld(path: string): Promise<boolean> {
  const info = await lstat(path).catch(ignore);
  return info !== undefined && Date.now() - info.mtimeMs > LOCK_STALE_MS;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

async function createIfFree(path: string, owner: string): Promise<boolean> {
  try {
    if (!(await linkTo(path, owner))) await writeFile(path, owner, { flag: "wx" });
    return true;
  } catch (error) {
    // Windows says EPERM for a file that is just being removed.
    if (hasCode(error, "EEXIST") || (process.platform === "win32" && hasCode(error, "EPERM"))) return false;
    throw error;
  }
}

/** False on a file system, or for a user, without symbolic links. */
async function linkTo(path: string, owner: string): Promise<boolean> {
  if (process.platform === "win32") return false;
  try {
    await symlink(owner, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP")) return false;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readlink(path).catch((error) => {
      // It is a file.
      if (hasCode(error, "EINVAL", "UNKNOWN")) return readFile(path, "utf8");
      throw error;
    });
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function lockError(path: string, fate: string): RegistryError {
  return new RegistryError("store_unreachable", `The lock ${path} ${fate} by another process: try again.`);
}

function ignore(): undefined {
  return undefined;
}
