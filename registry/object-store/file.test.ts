import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(stored: { bytes: Uint8Array } | undefined): string | undefined {
  return stored && new TextDecoder().decode(stored.bytes);
}
