// Copies of adapters' files on this machine's disk, between memory and a store elsewhere.
//
//   <folder>/files/<sha256 of store and tenant>/<sha256 of content>    whole, by one rename
//   <folder>/aside/<uuid>                                               being written
//
// A cache and nothing more: whatever goes wrong with it, the store is asked. Nothing in it is believed: what
// is read is compared with its digest. Several processes may share a folder; they take no locks.
import { createHash, randomUUID } from "node:crypto";
import { chmod, mkdir, open, readdir, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOf } from "../digest.ts";
import { DISK_ABANDONED_MS, DISK_UNREAD_MS_MAX, DISK_WAITING_BYTES_MAX } from "../limits.ts";
import type { TenantId } from "../registry.ts";

/** What adapters' files tell whoever counts. Numbers alone. */
export interface AdapterFilesObserver {
  fileRead(tier: "disk" | "store", bytes: number): void;
  /** Files that made room for others, or that nobody had read for long. */
  diskEvicted(files: number): void;
  /** "damaged": dropped, and read from the store again. "unwritten": the disk is full, or refuses. */
  diskFailed(what: "damaged" | "unwritten"): void;
}

export const NO_FILES_OBSERVER: AdapterFilesObserver = {
  fileRead: () => undefined,
  diskEvicted: () => undefined,
  diskFailed: () => undefined,
};

export interface AdapterDiskOptions {
  /** Made when it is not there; for this user alone. */
  readonly folder: string;
  /** Of files on disk; more than this only for as long as several processes have not seen each other's. */
  readonly bytesMax: number;
  /** Names the store: what was read of one is never given out for another. */
  readonly store: string;
  readonly observer?: AdapterFilesObserver;
}

interface Expected {
  readonly digest: string;
  readonly bytes: number;
}

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  /** Its mtime: reading sets it. */
  readonly readAtMs: number;
}

/** A file takes whole blocks; so a limit in bytes limits the number of files too. */
const BLOCK_BYTES = 4096;
/** Making room frees this share more, so that not every write has to. */
const SPARE_SHARE = 0.1;
/** Of bytesMax: after writing so much, a process looks again what others wrote. */
const UNSEEN_SHARE = 1 / 16;

export class AdapterDisk {
  readonly #options: Omit<AdapterDiskOptions, "observer">;
  readonly #observer: AdapterFilesObserver;
  #writing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  /** Undefined until the folder was looked through. */
  #bytes: number | undefined;
  #unseenBytes = 0;

  constructor({ observer = NO_FILES_OBSERVER, ...options }: AdapterDiskOptions) {
    this.#options = options;
    this.#observer = observer;
  }

  /** As this process knows it; 0 before its first write. */
  get bytes(): number {
    return this.#bytes ?? 0;
  }

  /** The very bytes, or undefined: absent, unreadable, or damaged, which is dropped. Never rejects. */
  async read(tenant: TenantId, { digest, bytes }: Expected): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(tenant, digest);
    const content = await readWhole(path, bytes);
    if (content === undefined) return undefined;
    if (content !== "other" && digestOf(content) === digest) {
      const now = new Date();
      await utimes(path, now, now).catch(ignore);
      this.#observer.fileRead("disk", bytes);
      return content;
    }
    this.#observer.diskFailed("damaged");
    await rm(path, { force: true }).catch(ignore);
    return undefined;
  }

  /** Writes in the background; not at all when too much waits already. */
  keep(tenant: TenantId, digest: string, bytes: Uint8Array): void {
    const size = bytes.byteLength;
    if (this.#waitingBytes + size > DISK_WAITING_BYTES_MAX || sizeOnDisk(size) > this.#options.bytesMax)
      return;
    this.#waitingBytes += size;
    this.#writing = this.#writing
      .then(() => this.#write(this.#pathOf(tenant, digest), bytes))
      .catch(() => this.#observer.diskFailed("unwritten"))
      .finally(() => {
        this.#waitingBytes -= size;
      });
  }

  /** Once it resolves the file is gone, a write of it that waited included. */
  async forget(tenant: TenantId, digest: string): Promise<void> {
    await this.#writing;
    await rm(this.#pathOf(tenant, digest), { force: true }).catch(ignore);
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const size = sizeOnDisk(bytes.byteLength);
    const { folder, bytesMax } = this.#options;
    if (this.#bytes === undefined) await makePrivate(folder);
    const mustLook = this.#bytes === undefined || this.#unseenBytes > bytesMax * UNSEEN_SHARE;
    if (mustLook || this.bytes + size > bytesMax) await this.#makeRoom(size);
    const aside = join(folder, "aside", randomUUID());
    await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
    try {
      // Not flushed: what a crash leaves half-written is found by its digest.
      await writeFile(aside, bytes, { flag: "wx", mode: 0o600 });
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(aside, path);
    } finally {
      await rm(aside, { force: true }).catch(ignore);
    }
    this.#bytes = this.bytes + size;
    this.#unseenBytes += size;
  }

  /** Looks through the folder; drops what is abandoned, what nobody reads, then the least recently read. */
  async #makeRoom(size: number): Promise<void> {
    const { folder, bytesMax } = this.#options;
    const nowMs = Date.now();
    for (const { path, readAtMs } of await filesIn(join(folder, "aside"))) {
      if (nowMs - readAtMs > DISK_ABANDONED_MS) await rm(path, { force: true });
    }
    const files = await keptFiles(join(folder, "files"));
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const target = bytes + size > bytesMax ? bytesMax * (1 - SPARE_SHARE) - size : Number.POSITIVE_INFINITY;
    let evicted = 0;
    for (const file of files.sort((a, b) => a.readAtMs - b.readAtMs)) {
      if (bytes <= target && nowMs - file.readAtMs < DISK_UNREAD_MS_MAX) break;
      await rm(file.path, { force: true });
      bytes -= file.bytes;
      evicted += 1;
    }
    if (evicted > 0) this.#observer.diskEvicted(evicted);
    this.#bytes = bytes;
    this.#unseenBytes = 0;
  }

  #pathOf(tenant: TenantId, digest: string): string {
    const owner = createHash("sha256").update(`${this.#options.store}\n${tenant}`).digest("hex");
    return join(this.#options.folder, "files", owner, digest.replace("sha256:", ""));
  }
}

/** "other": its size alone says that it is not the file. */
async function readWhole(path: string, bytes: number): Promise<Uint8Array | "other" | undefined> {
  const file = await open(path, "r").catch(ignore);
  if (!file) return undefined;
  try {
    if ((await file.stat()).size !== bytes) return "other";
    const content = new Uint8Array(bytes);
    const { bytesRead } = await file.read(content);
    return bytesRead === bytes ? content : "other";
  } catch {
    return "other";
  } finally {
    await file.close().catch(ignore);
  }
}

/** Others may have made the folder before, for more eyes. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}

/** Of all stores and tenants. Folders that are empty are removed. */
async function keptFiles(folder: string): Promise<KeptFile[]> {
  const kept: KeptFile[] = [];
  for (const owner of await readdir(folder).catch(() => [])) {
    const files = await filesIn(join(folder, owner));
    kept.push(...files);
    // Refused when another process has just written there.
    if (files.length === 0) await rmdir(join(folder, owner)).catch(ignore);
  }
  return kept;
}

async function filesIn(folder: string): Promise<KeptFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const info = await stat(path).catch(ignore);
      return info && { path, bytes: sizeOnDisk(info.size), readAtMs: info.mtimeMs };
    }),
  );
  return files.filter((file) => file !== undefined);
}

function sizeOnDisk(bytes: number): number {
  return Math.ceil(Math.max(bytes, 1) / BLOCK_BYTES) * BLOCK_BYTES;
}

function ignore(): undefined {
  return undefined;
}
