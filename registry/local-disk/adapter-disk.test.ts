import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { digestOf } from "../digest.ts";
import { DISK_ABANDONED_MS, DISK_UNREAD_MS_MAX } from "../limits.ts";
import { alpha, beta, encode } from "../test-registry.ts";
import { AdapterDisk } from "./adapter-disk.ts";

const BLOCK = 4096;

let parent: string;
let folder: string;
const observer = { fileRead: vi.fn(), diskEvicted: vi.fn(), diskFailed: vi.fn() };
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "softgate-disk-"));
  folder = join(parent, "adapters");
  vi.clearAllMocks();
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const openDisk = (options: { bytesMax?: number; store?: string } = {}) =>
  new AdapterDisk({ folder, bytesMax: 100 * BLOCK, store: "s3://bucket/", observer, ...options });
const fileOf = (text: string) => {
  const content = encode(text);
  return { content, digest: digestOf(content), bytes: content.byteLength };
};

async function keep(disk: AdapterDisk, text: string, tenant = alpha) {
  const file = fileOf(text);
  disk.keep(tenant, file.digest, file.content);
  await disk.close();
  return file;
}

/** Every file below the folder. */
async function paths(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

async function onlyPath(): Promise<string> {
  const [path, ...others] = await paths();
  expect(others).toEqual([]);
  return path ?? expect.unreachable();
}

describe("a copy on disk", () => {
  it("is given out as it was kept, in a later process too, and is whole: nothing is left aside", async () => {
    const file = await keep(openDisk(), "weights");
    expect(await openDisk().read(alpha, file)).toEqual(file.content);
    expect(observer.fileRead).toHaveBeenCalledWith("disk", file.bytes);
    expect(await onlyPath()).toContain(file.digest.replace("sha256:", ""));
  });

  it("is its tenant's and its store's alone, whoever knows the digest", async () => {
    const file = await keep(openDisk(), "weights");
    expect(await openDisk().read(beta, file)).toBeUndefined();
    expect(await openDisk({ store: "s3://other/" }).read(alpha, file)).toBeUndefined();
  });

  it.skipIf(process.platform === "win32")("may be read by this user alone", async () => {
    await keep(openDisk(), "weights");
    expect((await stat(await onlyPath())).mode & 0o777).toBe(0o600);
    const folders = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    );
    for (const path of [folder, ...folders.map(({ parentPath, name }) => join(parentPath, name))]) {
      expect((await stat(path)).mode & 0o777).toBe(0o700);
    }
  });

  it.each([
    ["changed", (path: string) => writeFile(path, "weightz")],
    ["cut", (path: string) => truncate(path, 3)],
    ["empty", (path: string) => truncate(path, 0)],
    ["longer", (path: string) => writeFile(path, "weights and more")],
  ])("that is %s is never given out: it is dropped, and may be kept again", async (_, damage) => {
    const disk = openDisk();
    const file = await keep(disk, "weights");
    await damage(await onlyPath());
    expect(await disk.read(alpha, file)).toBeUndefined();
    expect(observer.diskFailed).toHaveBeenCalledWith("damaged");
    expect(await paths()).toEqual([]);
    await keep(disk, "weights");
    expect(await disk.read(alpha, file)).toEqual(file.content);
  });

  it("is gone once it is forgotten, also when it was still being written", async () => {
    const disk = openDisk();
    const file = fileOf("weights");
    disk.keep(alpha, file.digest, file.content);
    await disk.forget(alpha, file.digest);
    expect(await disk.read(alpha, file)).toBeUndefined();
    expect(await paths()).toEqual([]);
  });
});

describe("the bytes on disk", () => {
  it("stay within the limit: the least recently read leave first", async () => {
    const disk = openDisk({ bytesMax: 10 * BLOCK });
    const files = [];
    for (let n = 0; n < 10; n++) files.push(await keep(disk, `weights ${n}`));
    // A file's clock: the first was kept first, and is read last.
    for (const [n, path] of (await inOrder(files)).entries()) await utimes(path, n, n);
    await disk.read(alpha, files[0] ?? expect.unreachable());
    vi.spyOn(Date, "now").mockReturnValue(10_000);
    await keep(disk, "one more");
    const left = await Promise.all(files.map((file) => disk.read(alpha, file)));
    expect(left.map((content) => content !== undefined)).toEqual([
      ...[true, false, false, ...Array<boolean>(7).fill(true)],
    ]);
    expect(observer.diskEvicted).toHaveBeenCalledWith(2);
    expect(disk.bytes).toBeLessThanOrEqual(10 * BLOCK);
  });

  it("never exceed the limit after any keeping and reading, by any of two processes", async () => {
    const step = fc.record({
      text: fc.nat(30),
      size: fc.integer({ min: 1, max: 3 * BLOCK }),
      by: fc.nat(1),
      reads: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await rm(folder, { recursive: true, force: true });
        const bytesMax = 8 * BLOCK;
        const disks = [openDisk({ bytesMax }), openDisk({ bytesMax })];
        for (const { text, size, by, reads } of steps) {
          const disk = disks[by] ?? expect.unreachable();
          const file = fileOf(`${text}`.padEnd(size, "."));
          if (reads) {
            const content = await disk.read(alpha, file);
            expect([undefined, digestOf(file.content)]).toContain(content && digestOf(content));
          } else {
            disk.keep(alpha, file.digest, file.content);
            await disk.close();
          }
        }
        const sizes = await Promise.all((await paths().catch(() => [])).map(async (path) => stat(path)));
        const onDisk = sizes.reduce((sum, { size }) => sum + BLOCK * Math.ceil(size / BLOCK), 0);
        // One process may not have seen the other's last writes.
        expect(onDisk).toBeLessThanOrEqual(bytesMax + 3 * BLOCK);
      }),
      { numRuns: 30 },
    );
  });

  it("do not hold a file that is larger than the limit, nor any with a limit of 0", async () => {
    for (const bytesMax of [0, BLOCK]) {
      const disk = openDisk({ bytesMax });
      const file = await keep(disk, "w".repeat(BLOCK + 1));
      expect(await disk.read(alpha, file)).toBeUndefined();
    }
  });

  it("are freed of what nobody has read for long, and of what a process that died left in writing", async () => {
    const file = await keep(openDisk(), "old");
    const old = (Date.now() - DISK_UNREAD_MS_MAX - 60_000) / 1000;
    await utimes(await onlyPath(), old, old);
    const left = join(folder, "aside", "left");
    await writeFile(left, "half");
    const abandoned = (Date.now() - DISK_ABANDONED_MS - 60_000) / 1000;
    await utimes(left, abandoned, abandoned);
    const disk = openDisk();
    const fresh = await keep(disk, "new");
    expect(await disk.read(alpha, file)).toBeUndefined();
    expect(await onlyPath()).toContain(fresh.digest.replace("sha256:", ""));
  });
});

it("a disk that refuses costs nothing but the copy: reads and writes still settle", async () => {
  await writeFile(folder, "a file where the folder should be");
  const disk = openDisk();
  const file = await keep(disk, "weights");
  expect(await disk.read(alpha, file)).toBeUndefined();
  expect(observer.diskFailed).toHaveBeenCalledWith("unwritten");
  await expect(disk.forget(alpha, file.digest)).resolves.toBeUndefined();
});

it("processes that keep, read and evict in one folder at once never get other bytes than they ask for", async () => {
  const children = [1, 2].map((seed) => {
    const url = new URL("./adapter-disk.ts", import.meta.url).href;
    const code = `
      import { createHash } from "node:crypto";
      const { AdapterDisk } = await import(${JSON.stringify(url)});
      const disk = new AdapterDisk({ folder: ${JSON.stringify(folder)}, bytesMax: ${6 * BLOCK}, store: "s" });
      let [hits, wrong] = [0, 0];
      for (let n = 0; n < 300; n++) {
        const content = new TextEncoder().encode(String((n * ${seed}) % 9).repeat(5000));
        const digest = "sha256:" + createHash("sha256").update(content).digest("hex");
        const read = await disk.read("alpha", { digest, bytes: content.byteLength });
        if (read) { hits += 1; wrong += Buffer.compare(read, content) === 0 ? 0 : 1; }
        else disk.keep("alpha", digest, content);
        if (n % 3 === 0) await disk.close();
      }
      await disk.close();
      console.log(JSON.stringify({ hits, wrong }));`;
    return spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  });
  const results = await Promise.all(
    children.map(async (child) => {
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      await once(child, "close");
      return JSON.parse(text);
    }),
  );
  for (const { hits, wrong } of results) {
    expect(wrong).toBe(0);
    expect(hits).toBeGreaterThan(0);
  }
  for (const path of await paths()) {
    expect(path).toContain(digestOf(new Uint8Array(await readFile(path))).replace("sha256:", ""));
  }
});

/** Paths of the files, in their order. */
async function inOrder(files: readonly { digest: string }[]): Promise<string[]> {
  const all = await paths();
  return files.map(
    ({ digest }) => all.find((path) => path.endsWith(digest.replace("sha256:", ""))) ?? expect.unreachable(),
  );
}
