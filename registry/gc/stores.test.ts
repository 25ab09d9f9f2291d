// Collections on the stores that there are beside memory: of a folder with the times that its files have, of a real
// S3 server with times that pass faster.
import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { findVersitygw, startVersitygw } from "../../test/helpers/versitygw.ts";
import { createRegistry } from "../create-registry.ts";
import { blobsPrefix } from "../layout.ts";
import { GARBAGE_AGE_MS_DEFAULT, RESTORE_MS_DEFAULT } from "../limits.ts";
import { listAll } from "../list-all.ts";
import { FileStore } from "../object-store/file.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { openObjectStore } from "../object-store/open.ts";
import { alpha, decode, publishRequest, router } from "../test-registry.ts";
import { blobsOf } from "./test-scene.ts";

const program = await findVersitygw();

/** Two versions, of which the first is deleted and cannot be restored any more. */
async function prepare(store: ObjectStore) {
  let nowMs = Date.now() - RESTORE_MS_DEFAULT;
  const registry = createRegistry({ store, now: () => new Date(nowMs) });
  for (const text of ["one", "two"]) await registry.publish(alpha, publishRequest(text));
  await registry.deleteVersion(alpha, router, { version: 1 });
  nowMs = Date.now();
  return registry;
}

/** What four collections tell, each long after the one before: versions removed, blobs that wait, blobs removed. */
async function collectFourTimes(store: ObjectStore, letTimePass: () => Promise<void>): Promise<string[]> {
  const registry = await prepare(store);
  const counts: string[] = [];
  for (let run = 0; run < 4; run += 1) {
    const { version, waiting, blob } = await registry.collectGarbage(alpha);
    counts.push([version, waiting, blob].map(({ count }) => count).join(" "));
    await letTimePass();
  }
  const { manifest } = await registry.resolve(alpha, { name: router, version: 2 });
  expect(decode((await registry.readFiles(alpha, manifest)).weights)).toBe("weights of two");
  expect((await listAll(store, { prefix: blobsPrefix(alpha) })).keys).toHaveLength(2);
  // The content comes back under keys of its own, though those before were deleted.
  const again = await registry.publish(alpha, publishRequest("one"));
  expect(decode((await registry.readFiles(alpha, again.manifest)).weights)).toBe("weights of one");
  expect(await blobsOf(store)).toHaveLength(4);
  return counts;
}

const EXPECTED = ["1 0 0", "0 2 0", "0 0 2", "0 0 0"];

it("of a folder a version's blobs go in the second run after its manifest", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-gc-"));
  try {
    const store = new FileStore(folder);
    const letTimePass = async () => {
      const old = new Date(Date.now() - 2 * GARBAGE_AGE_MS_DEFAULT);
      const { keys } = await listAll(store, { prefix: blobsPrefix(alpha) });
      for (const key of keys) await utimes(join(folder, key), old, old);
    };
    expect(await collectFourTimes(store, letTimePass)).toEqual(EXPECTED);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe.skipIf(program === undefined)("of a real S3 server", () => {
  it("the same", async () => {
    const server = await startVersitygw(program ?? "", ["garbage"]);
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
    const store = await openObjectStore(`s3://garbage/a?endpoint=${server.endpoint}&region=us-east-1`);
    try {
      const clock = { nowMs: Date.now() };
      const letTimePass = async () => {
        clock.nowMs += 2 * GARBAGE_AGE_MS_DEFAULT;
      };
      expect(await collectFourTimes(withTimesOf(store, clock), letTimePass)).toEqual(EXPECTED);
    } finally {
      await store.close();
      await server.stop();
    }
  }, 30_000);
});

/** Objects were written when the clock says, not when the store says. */
function withTimesOf(store: ObjectStore, clock: { nowMs: number }): ObjectStore {
  const times = new Map<string, number>();
  return {
    description: store.description,
    get: (key) => store.get(key),
    getPart: (key, part) => store.getPart(key, part),
    put: async (key, bytes, condition) => {
      const result = await store.put(key, bytes, condition);
      if (result.stored) times.set(key, clock.nowMs);
      return result;
    },
    delete: (key) => store.delete(key),
    list: async (options) => {
      const page = await store.list(options);
      const objects = page.objects?.map((object) => ({
        ...object,
        modifiedMs: times.get(object.key) ?? object.modifiedMs,
      }));
      return { ...page, ...(objects && { objects }) };
    },
    check: () => store.check(),
    close: () => store.close(),
  };
}
