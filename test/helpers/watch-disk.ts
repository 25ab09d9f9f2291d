// What a process does below one folder by node:fs/promises, one call at a time: before each call that may change
// something its caller is told, and may end the process there, or look at what would be left. A kill leaves all that
// was done; a power cut only what was flushed: the bytes of files that were synced, the names of folders that were.
// Patches the module for the whole process until restore(). A write is two calls, and a chain of folders many.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join, relative } from "node:path";

export interface DiskEntry {
  /** From the watched folder on. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  /** Of a file its bytes in base64, of a link its target. */
  readonly content: string;
}

export interface WatchedDisk {
  /** What is left of the folder if the process is killed now. */
  readonly afterKill: () => DiskEntry[];
  /** What is left if the power fails now, at worst. */
  readonly afterPowerCut: () => DiskEntry[];
  readonly restore: () => void;
}

/** All that is in the folder now counts as flushed. */
export function watchDisk(folder: string, onCall: (call: string) => void = () => undefined): WatchedDisk {
  const real = { ...fs.promises };
  const flushed = new FlushedDisk(folder);
  let last: Promise<unknown> = Promise.resolve();
  const alone: Alone = (call, path, work) => {
    const tell = (what = call) => onCall(`${what} ${relative(folder, path)}`);
    const turn = last.then(() => {
      tell();
      return work(tell);
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  const isBelow = (path: unknown) => typeof path === "string" && path.startsWith(folder);
  const patches = patchesOf(real, alone, flushed);
  for (const [name, patched] of Object.entries(patches)) {
    const original = Reflect.get(real, name);
    const choose = (...args: never[]) => (args.some(isBelow) ? patched : original)(...args);
    Reflect.set(fs.promises, name, choose);
  }
  syncBuiltinESMExports();
  return {
    afterKill: () => readDisk(folder),
    afterPowerCut: () => flushed.read(folder, ""),
    restore: () => {
      for (const name of Object.keys(patches)) Reflect.set(fs.promises, name, Reflect.get(real, name));
      syncBuiltinESMExports();
    },
  };
}

type Alone = <Result>(
  call: string,
  path: string,
  work: (tell: (what?: string) => void) => Promise<Result>,
) => Promise<Result>;
type Handle = fs.promises.FileHandle;

function patchesOf(real: typeof fs.promises, alone: Alone, flushed: FlushedDisk) {
  const open = (path: string, flags: string, mode?: number): Promise<Handle> =>
    alone(`open ${flags}`, path, async () => {
      const handle = await real.open(path, flags, mode);
      return watchHandle(handle, { path, alone, flushed, isNew: flags.startsWith("w") });
    });
  const writeFile = async (path: string, content: string | Uint8Array, { flag = "w" } = {}) => {
    const handle = await open(path, flag);
    try {
      await handle.writeFile(Buffer.from(content as string));
    } finally {
      await handle.close();
    }
  };
  const mkdir = (path: string, options?: { recursive?: boolean; mode?: number }) =>
    alone("mkdir", path, async (tell) => {
      const missing: string[] = [];
      for (let level = path; !fs.existsSync(level); level = dirname(level)) missing.unshift(level);
      if (missing.length < 2 || !options?.recursive) return real.mkdir(path, options);
      for (const [index, level] of missing.entries()) {
        if (index > 0) tell("mkdir further");
        fs.mkdirSync(level, { mode: options.mode });
      }
      return missing[0];
    });
  return {
    open,
    writeFile,
    mkdir,
    rename: (from: string, to: string) => alone("rename", to, () => real.rename(from, to)),
    link: (from: string, to: string) => alone("link", to, () => real.link(from, to)),
    symlink: (target: string, path: string) => alone("symlink", path, () => real.symlink(target, path)),
    rm: (path: string, options?: fs.RmOptions) => alone("rm", path, () => real.rm(path, options)),
  };
}

function watchHandle(
  handle: Handle,
  { path, alone, flushed, isNew }: { path: string; alone: Alone; flushed: FlushedDisk; isNew: boolean },
): Handle {
  const { sync, writeFile, close } = handle;
  const isFolder = fs.fstatSync(handle.fd).isDirectory();
  if (isNew) flushed.begin(handle.fd);
  return Object.assign(handle, {
    writeFile: async (bytes: Uint8Array) => {
      const half = bytes.byteLength >> 1;
      await alone("write", path, () => handle.write(bytes.subarray(0, half)));
      await alone("write further", path, () => writeFile.call(handle, bytes.subarray(half)));
    },
    close: () => alone("close", path, () => close.call(handle)),
    sync: () =>
      alone("sync", path, async () => {
        await sync.call(handle);
        if (isFolder) flushed.flushFolder(path);
        else flushed.flushFile(path);
      }),
  });
}

interface FlushedName {
  readonly name: string;
  readonly kind: DiskEntry["kind"];
  /** Of a file its number, of a link its target. */
  readonly is: number | string;
}

/** What a disk has for certain. Renames of folders are not known to it. */
class FlushedDisk {
  /** Of inodes, which are used again, the file that each is now. */
  readonly #files = new Map<number, number>();
  readonly #contents = new Map<number, string>();
  readonly #folders = new Map<string, readonly FlushedName[]>();
  #count = 0;

  constructor(folder: string) {
    const entries = readDisk(folder);
    for (const { path } of entries.filter(({ kind }) => kind === "file")) {
      this.#files.set(fs.lstatSync(join(folder, path)).ino, ++this.#count);
      this.flushFile(join(folder, path));
    }
    for (const { path } of entries.filter(({ kind }) => kind === "folder"))
      this.flushFolder(join(folder, path));
    this.flushFolder(folder);
  }

  /** Of a file that was just made. */
  begin(fd: number): void {
    this.#files.set(fs.fstatSync(fd).ino, ++this.#count);
  }

  flushFile(path: string): void {
    const file = this.#files.get(fs.lstatSync(path).ino);
    if (file !== undefined) this.#contents.set(file, fs.readFileSync(path, "base64"));
  }

  flushFolder(path: string): void {
    const names = fs.readdirSync(path, { withFileTypes: true }).map((entry): FlushedName => {
      const of = join(path, entry.name);
      const kind = kindOf(entry);
      const is = kind === "link" ? fs.readlinkSync(of) : (this.#files.get(fs.lstatSync(of).ino) ?? 0);
      return { name: entry.name, kind, is };
    });
    this.#folders.set(path, names);
  }

  read(folder: string, path: string): DiskEntry[] {
    const names = this.#folders.get(join(folder, path)) ?? [];
    return names.flatMap(({ name, kind, is }) => {
      const at = join(path, name);
      // A file whose name was flushed and whose bytes were not may be there, and be empty.
      const content = typeof is === "string" ? is : (this.#contents.get(is) ?? "");
      if (kind !== "folder") return [{ path: at, kind, content }];
      return [{ path: at, kind, content: "" }, ...this.read(folder, at)];
    });
  }
}

/** Folders before what is in them. */
export function readDisk(folder: string, path = ""): DiskEntry[] {
  return fs.readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry): DiskEntry[] => {
    const at = join(path, entry.name);
    const kind = kindOf(entry);
    if (kind === "link") return [{ path: at, kind, content: fs.readlinkSync(join(folder, at)) }];
    if (kind === "file") return [{ path: at, kind, content: fs.readFileSync(join(folder, at), "base64") }];
    return [{ path: at, kind, content: "" }, ...readDisk(folder, at)];
  });
}

function kindOf(entry: fs.Dirent): DiskEntry["kind"] {
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "link" : "file";
}

/** Into an empty folder. */
export function writeDisk(folder: string, entries: readonly DiskEntry[]): void {
  for (const { path, kind, content } of entries) {
    if (kind === "folder") fs.mkdirSync(join(folder, path));
    else if (kind === "link") fs.symlinkSync(content, join(folder, path));
    else fs.writeFileSync(join(folder, path), content, "base64");
  }
}
