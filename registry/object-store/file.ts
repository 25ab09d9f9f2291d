// Objects as files of one folder, safe between several processes on it. Every file appears whole or not
// at all: bytes are written aside, flushed, then renamed (or, for If-None-Match, linked) into place.
// All writes that could undo another's take a lock per key; readers take none.
// Keys must come from layout.ts; what a file system cannot hold in a name is written as %XX.
import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { digestOfLarge } from "../digest.ts";
import { FLUSHED_FOLDERS_KNOWN_MAX } from "../limits.ts";
import { checkKey, checkPrefix, checkSize, clampListLimit, isKey } from "./check-object.ts";
import { fileErrorOf, hasCode } from "./file-errors.ts";
import { FileLocks } from "./file-lock.ts";
import { encodePath, walkFolder } from "./file-names.ts";
import type {
  ListOptions,
  ObjectDetails,
  ObjectPage,
  ObjectPart,
  ObjectStore,
  PutCondition,
  PutResult,
  StoredObject,
} from "./object-store.ts";
import { collectPage } from "./page.ts";
import { probeConditions } from "./probe-conditions.ts";
import { RecentFiles } from "./recent-files.ts";

/** A file written aside that is older than this belongs to a process that died. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** Tenants' texts are nobody else's on this machine. A folder that exists keeps the mode it has. */
const PRIVATE = { recursive: true, mode: 0o700 } as const;

export class FileStore implements ObjectStore {
  readonly description: string;
  readonly #root: string;
  // No key reaches these folders: "%" is not in a key, and file-names.ts writes it only before digits.
  readonly #aside: string;
  readonly #locks: FileLocks;
  readonly #recent: RecentFiles;
  /** Folders whose names this process has flushed, and those of the folders they lie in. */
  readonly #flushed = new Set<string>();

  constructor(root: string) {
    this.#root = resolve(root);
    this.#aside = join(this.#root, "%aside");
    this.#locks = new FileLocks(join(this.#root, "%locks"));
    this.#recent = new RecentFiles(this.#root);
    this.description = `folder ${this.#root}`;
  }

  get(key: string): Promise<StoredObject | undefined> {
    return this.#run(() => readObject(this.#pathOf(key), this.#recent));
  }

  getPart(key: string, part: ObjectPart): Promise<Uint8Array | undefined> {
    return this.#run(() => readPart(this.#pathOf(key), part));
  }

  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    return this.#run(async () => {
      const path = this.#pathOf(key);
      checkSize(key, bytes.byteLength);
      const aside = await this.#writeAside(bytes);
      try {
        await this.#makeFolder(dirname(path));
        const stored = await this.#place({ key, aside, path, condition });
        // Also of a write that was refused: what stands there another process may have yet to flush.
        await flushFolder(dirname(path));
        return stored ? { stored, etag: await etagOfLarge(bytes) } : { stored };
      } finally {
        await rm(aside, { force: true });
      }
    });
  }

  delete(key: string): Promise<void> {
    return this.#run(async () => {
      const path = this.#pathOf(key);
      await this.#locks.hold(key, async () => {
        if (!(await readObject(path))) return;
        await rm(path, { force: true });
        await flushFolder(dirname(path));
      });
    });
  }

  list(options: ListOptions): Promise<ObjectPage> {
    checkPrefix(options.prefix);
    return this.#run(async () => {
      const page = await collectPage(walkFolder(this.#root, options), clampListLimit(options.limit));
      if (!options.withDetails) return page;
      const objects = await Promise.all(
        page.keys.map((key) => readDetails(key, join(this.#root, encodePath(key)))),
      );
      return { ...page, objects: objects.filter((object) => object !== undefined) };
    });
  }

  async check(): Promise<void> {
    await this.#run(() => this.#removeAbandoned());
    await probeConditions(this);
  }

  async close(): Promise<void> {}

  async #place(write: {
    key: string;
    aside: string;
    path: string;
    condition: PutCondition | undefined;
  }): Promise<boolean> {
    const { key, aside, path, condition } = write;
    if (condition && "ifNoneMatch" in condition) {
      const linked = await linkIfFree(aside, path);
      if (linked !== undefined) return linked;
    }
    return this.#locks.hold(key, async (confirm) => {
      if (condition && !holds(condition, await readObject(path))) return false;
      await confirm();
      await rename(aside, path);
      return true;
    });
  }

  async #writeAside(bytes: Uint8Array): Promise<string> {
    await this.#makeFolder(this.#aside);
    const aside = join(this.#aside, randomUUID());
    const file = await open(aside, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return aside;
  }

  /**
   * A folder is only durable once its parent is flushed, and one that is there already may have been made just now,
   * by a process that has yet to flush it: so each process flushes the parents of each folder once.
   */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, PRIVATE);
    const isNew = (path: string) => first !== undefined && path.length >= first.length;
    const isOurs = (path: string) => isNew(path) || path.length >= this.#root.length;
    const unflushed: string[] = [];
    for (let path = folder; isOurs(path) && path !== dirname(path); path = dirname(path)) {
      if (!isNew(path) && this.#flushed.has(path)) break;
      unflushed.push(path);
    }
    for (const path of unflushed) await this.#flushName(path, isNew(path));
    // Only now: who finds a folder among these looks no further up.
    if (this.#flushed.size + unflushed.length > FLUSHED_FOLDERS_KNOWN_MAX) this.#flushed.clear();
    for (const path of unflushed) this.#flushed.add(path);
  }

  async #flushName(folder: string, isNew: boolean): Promise<void> {
    try {
      await flushFolder(dirname(folder));
    } catch (error) {
      // The folder that the store's own lies in may be one that this user cannot read: then others made that.
      if (isNew || folder !== this.#root || !hasCode(error, "EACCES", "EPERM")) throw error;
    }
  }

  async #removeAbandoned(): Promise<void> {
    await mkdir(this.#aside, PRIVATE);
    for (const name of await readdir(this.#aside)) {
      const path = join(this.#aside, name);
      const info = await stat(path).catch(() => undefined);
      if (info && Date.now() - info.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  }

  #pathOf(key: string): string {
    checkKey(key);
    const path = join(this.#root, encodePath(key));
    if (relative(this.#root, path).split(sep).includes(".."))
      throw new Error(`invariant: ${key} leaves the folder`);
    return path;
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileErrorOf(error, this.#root);
    }
  }
}

async function readObject(path: string, recent?: RecentFiles): Promise<StoredObject | undefined> {
  const found = await unlessFree(async () => {
    const bytes = new Uint8Array(recent?.read(path) ?? (await readFile(path)));
    return { bytes, etag: etagOf(bytes) };
  });
  recent?.note(path, found?.bytes.byteLength ?? 0);
  return found;
}

function readPart(path: string, { from, bytesMax }: ObjectPart): Promise<Uint8Array | undefined> {
  return unlessFree(async () => {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (from >= size) return undefined;
      const bytes = new Uint8Array(Math.min(bytesMax, size - from));
      let read = 0;
      for (let more = -1; more !== 0 && read < bytes.length; read += more)
        ({ bytesRead: more } = await file.read(bytes, read, bytes.length - read, from + read));
      return bytes.subarray(0, read);
    } finally {
      await file.close();
    }
  });
}

/** A folder of that name, or a file where a folder would be, means that the key is free. */
async function unlessFree<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EISDIR")) return undefined;
    throw error;
  }
}

async function readDetails(key: string, path: string): Promise<ObjectDetails | undefined> {
  try {
    const { size: bytes, mtimeMs: modifiedMs } = await stat(path);
    return { key, bytes, modifiedMs };
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    // A file that is no object is listed too, as what it is not: its name may be written otherwise.
    return isKey(key) ? undefined : { key, bytes: 0, modifiedMs: 0 };
  }
}

/** Undefined on a file system without hard links. */
async function linkIfFree(aside: string, path: string): Promise<boolean | undefined> {
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    if (hasCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP", "EMLINK")) return undefined;
    throw error;
  }
}

function holds(condition: PutCondition, stored: StoredObject | undefined): boolean {
  return "ifMatch" in condition ? stored?.etag === condition.ifMatch : stored === undefined;
}

function etagOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The same, while the event loop turns. */
async function etagOfLarge(bytes: Uint8Array): Promise<string> {
  return (await digestOfLarge(bytes)).replace("sha256:", "");
}

async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // Windows cannot open a folder, and flushes names itself.
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
