import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type WatchedDisk, watchDisk } from "../../test/helpers/watch-disk.ts";
import { describeObjectStore } from "./contract.ts";
import { FileStore } from "./file.ts";

describeObjectStore("folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-file-"));
  const dispose = () => rm(folder, { recursive: true });
  return { store: new FileStore(folder), other: new FileStore(folder), dispose };
});

describe("the file store", () => {
  let folder: string;
  let store: FileStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-file-"));
    store = new FileStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("loses no compare-and-swap between several processes", async () => {
    await store.put("counter", encode("0"));
    const script = `
      const { FileStore } = await import(${JSON.stringify(new URL("./file.ts", import.meta.url).href)});
      const store = new FileStore(${JSON.stringify(folder)});
      for (let done = 0; done < 15; ) {
        const { bytes, etag } = await store.get("counter");
        const next = Buffer.from(String(Number(Buffer.from(bytes).toString()) + 1));
        if ((await store.put("counter", next, { ifMatch: etag })).stored) done += 1;
      }`;
    const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    await Promise.all([run(), run(), run()]);
    expect(decode(await store.get("counter"))).toBe("45");
  }, 60_000);

  it("takes over the lock of a process that is gone", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    await writeLock("a", `${hostname()} ${pid} nonce`);
    expect(await store.put("a", encode("1"))).toMatchObject({ stored: true });
  }, 5_000);

  it("takes over a lock that is too old, whoever holds it, also when its removal was interrupted", async () => {
    const lock = await writeLock("a", "another-host 1 nonce");
    await writeFile(`${lock}.removal`, "");
    const past = new Date(Date.now() - 60_000);
    await utimes(lock, past, past);
    await utimes(`${lock}.removal`, past, past);
    expect(await store.put("a", encode("1"))).toMatchObject({ stored: true });
  });

  it("leaves neither locks nor files aside when its work is done", async () => {
    await Promise.all(Array.from({ length: 5 }, (_, index) => store.put("a", encode(String(index)))));
    await store.put("a", encode("x"), { ifNoneMatch: "*" });
    await store.delete("a");
    expect(await readdir(join(folder, "%locks"))).toEqual([]);
    expect(await readdir(join(folder, "%aside"))).toEqual([]);
  });

  it("clears away, at its check, what a process that died had written aside", async () => {
    const abandoned = join(folder, "%aside", "abandoned");
    await mkdir(join(folder, "%aside"));
    await writeFile(abandoned, "half");
    const past = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(abandoned, past, past);
    await store.check();
    expect(await readdir(join(folder, "%aside"))).toEqual([]);
  });

  it.skipIf(process.platform === "win32")(
    "a lock says whose it is from its first moment on, so that nobody has to wait until it is old",
    async () => {
      const locks = new Set<string>();
      const disk = watchDisk(folder, () => {
        for (const { path, content } of disk.afterKill()) if (path.startsWith("%locks/")) locks.add(content);
      });
      onTestFinished(disk.restore);
      await store.put("a", encode("1"));
      expect([...locks]).toEqual([expect.stringMatching(`^${hostname()} ${process.pid} `)]);
    },
  );

  it.skipIf(process.platform === "win32")(
    "lists files of others, whatever their names, and goes on",
    async () => {
      await store.put("b", encode("1"));
      await mkdir(join(folder, "A b"));
      await writeFile(join(folder, "A b", "%zz"), "");
      const { keys, objects } = await store.list({ prefix: "", withDetails: true });
      expect(keys).toEqual(["A b/%zz", "b"]);
      expect(objects?.map(({ key }) => key)).toEqual(keys);
    },
  );

  it.skipIf(process.platform === "win32")("makes a folder that only its user can read", async () => {
    const made = join(folder, "made");
    await new FileStore(made).put("a", encode("1"));
    expect((await stat(made)).mode & 0o077).toBe(0);
  });

  it("says which folder cannot be used", async () => {
    await writeFile(join(folder, "file"), "not a folder");
    await expect(new FileStore(join(folder, "file")).check()).rejects.toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringContaining(join(folder, "file")),
    });
  });

  async function writeLock(key: string, owner: string): Promise<string> {
    const lock = join(folder, "%locks", createHash("sha256").update(key).digest("hex"));
    await mkdir(join(folder, "%locks"), { recursive: true });
    await writeFile(lock, owner);
    return lock;
  }
});

describe.skipIf(process.platform === "win32")("when the power fails", () => {
  let folder: string;
  let disk: WatchedDisk;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-power-"));
    disk = watchDisk(folder);
  });
  afterEach(async () => {
    disk.restore();
    await rm(folder, { recursive: true });
  });

  const left = () => disk.afterPowerCut().map(({ path, content }) => `${path} ${atob(content)}`.trim());

  it("what was acknowledged is left, and of what was not, no half", async () => {
    const store = new FileStore(join(folder, "deep", "store"));
    const { etag } = (await store.put("a/b", encode("1"))) as { etag: string };
    expect(left()).toContain("deep/store/a/b 1");
    await store.put("a/b", encode("2"), { ifMatch: etag });
    expect(left()).toContain("deep/store/a/b 2");
    await store.delete("a/b");
    expect(left()).not.toContainEqual(expect.stringContaining("a/b"));
  });

  it("a folder that another process made just now, and did not flush, is left with what was put there", async () => {
    mkdirSync(join(folder, "store", "a"), { recursive: true });
    await new FileStore(join(folder, "store")).put("a/b/c", encode("1"));
    expect(left()).toContain("store/a/b/c 1");
  });

  it("a folder whose writer failed before it was flushed is flushed by the next one", async () => {
    const store = new FileStore(folder);
    disk.restore();
    let isFailing = true;
    disk = watchDisk(folder, (call) => {
      if (isFailing && call === "sync new") throw Object.assign(new Error("not today"), { code: "EIO" });
    });
    await expect(store.put("new/folder/a", encode("1"))).rejects.toMatchObject({ code: "store_unreachable" });
    isFailing = false;
    await store.put("new/folder/b", encode("1"));
    expect(left()).toContain("new/folder/b 1");
  });

  it("what a write was refused for is left too", async () => {
    const store = new FileStore(folder);
    await store.put("a/b", encode("1"));
    writeFileSync(join(folder, "a", "c"), "of another process, linked and not flushed");
    expect(await store.put("a/c", encode("2"), { ifNoneMatch: "*" })).toEqual({ stored: false });
    expect(left()).toContain("a/c");
  });

  it("a folder that is known to be flushed is not flushed again", async () => {
    const store = new FileStore(folder);
    await store.put("a/b/c", encode("1"));
    disk.restore();
    const syncs: string[] = [];
    disk = watchDisk(folder, (call) => void (call.startsWith("sync") && syncs.push(call)));
    await store.put("a/b/d", encode("1"));
    expect(syncs).toEqual([expect.stringContaining("sync %aside/"), "sync a/b"]);
  });
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(stored: { bytes: Uint8Array } | undefined): string | undefined {
  return stored && new TextDecoder().decode(stored.bytes);
}
