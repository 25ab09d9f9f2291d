import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRegistry } from "./create-registry.ts";
import { AdapterDisk } from "./local-disk/adapter-disk.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  decode,
  encode,
  publishRequest,
  type TestRegistry,
} from "./test-registry.ts";

let folder: string;
let test: TestRegistry;
let disk: AdapterDisk;
let registry: Registry;
const filesObserver = { fileRead: vi.fn(), diskEvicted: vi.fn(), diskFailed: vi.fn() };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-disk-"));
  test = createTestRegistry();
  disk = new AdapterDisk({ folder, bytesMax: 1e6, store: "s3://bucket/", observer: filesObserver });
  registry = createRegistry({ store: test.store, disk, filesObserver });
  vi.clearAllMocks();
});
afterEach(async () => {
  await disk.close();
  // A read that is never done may still write what it had.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const blobReads = () => test.store.calls.filter((call) => /^get .*blobs/.test(call)).length;

it("files are read from the store once, then from disk; where a disk copy is damaged, from the store again", async () => {
  const { manifest } = await registry.publish(alpha, publishRequest("one"));
  const first = await registry.readFiles(alpha, manifest);
  expect(decode(first.weights)).toBe("weights of one");
  await disk.close();
  expect(await registry.readFiles(alpha, manifest)).toEqual(first);
  expect(blobReads()).toBe(2);
  expect(filesObserver.fileRead.mock.calls.map(([tier]) => tier)).toEqual(["store", "store", "disk", "disk"]);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await writeFile(join(entry.parentPath, entry.name), "damaged");
  }
  expect(await registry.readFiles(alpha, manifest)).toEqual(first);
  expect(blobReads()).toBe(4);
});

it("a file on disk of one tenant is not given to another who names its digest", async () => {
  const { manifest } = await registry.publish(alpha, publishRequest("one"));
  await registry.readFiles(alpha, manifest);
  await disk.close();
  await expect(registry.readFiles(beta, manifest)).rejects.toMatchObject({ code: "blob_not_found" });
});

it("a file that never comes from the store holds up no other adapter's", async () => {
  const slow = await registry.publish(alpha, publishRequest("slow"));
  const quick = await registry.publish(alpha, publishRequest("quick"));
  const [, weights] = slow.manifest.files;
  const get = test.store.get.bind(test.store);
  vi.spyOn(test.store, "get").mockImplementation((key) =>
    key.endsWith(weights?.digest.slice(7) ?? "") ? new Promise(() => undefined) : get(key),
  );
  void registry.readFiles(alpha, slow.manifest);
  expect((await registry.readFiles(alpha, quick.manifest)).weights).toEqual(encode("weights of quick"));
});
