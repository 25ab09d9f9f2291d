import { beforeEach, describe, expect, it } from "vitest";
import { checkStore } from "../fsck/check-store.ts";
import {
  blobKey,
  blobsPrefix,
  claimKey,
  evaluationKey,
  manifestKey,
  markKeyOf,
  stateKey,
} from "../layout.ts";
import {
  GARBAGE_AGE_MS_DEFAULT,
  GARBAGE_AGE_MS_MIN,
  GONE_RANGES_MAX,
  PUBLISH_UNCHECKED_MS_MAX,
  RESTORE_MS_DEFAULT,
} from "../limits.ts";
import { listAll } from "../list-all.ts";
import { parseAdapterName, type Registry } from "../registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  decode,
  dump,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "../test-registry.ts";
import type { Removed } from "./collecting.ts";
import { blobsOf, collect, collectLater, createScene, dataset, owner } from "./test-scene.ts";

let test: TestRegistry;
let registry: Registry;

beforeEach(async () => {
  test = await createScene();
  registry = test.registry;
});

function byName(removed: readonly Removed[]): Removed[] {
  return removed.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** What a caller is told, letter by letter. */
function told(call: Promise<unknown>): Promise<string> {
  return call.then(
    (value) => JSON.stringify(value),
    (error: { code: string; publicMessage: string }) => JSON.stringify([error.code, error.publicMessage]),
  );
}

const none = { expired: 0, adapter: 0, version: 0, claim: 0, blob: 0, waiting: 0 };

describe("a collection", () => {
  it("of a store without garbage finds none, however often it runs, and changes nothing", async () => {
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const before = await dump(test.store);
    for (let run = 0; run < 3; run += 1) expect((await collectLater(test)).counts).toEqual(none);
    expect(await dump(test.store)).toEqual(before);
  });

  it("leaves what can still be restored; then removes a version, and its blobs two grace times later", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT - 1;
    expect((await collect(registry)).counts).toEqual(none);
    test.clock.nowMs += 1;
    const first = await collect(registry);
    expect(first.counts).toEqual({ ...none, version: 1 });
    const bytes = "config of one".length + "weights of one".length;
    expect(first.removed).toEqual([{ kind: "version", name: "router:1", bytes }]);
    expect(await test.store.get(manifestKey(owner, 1))).toBeUndefined();
    expect(await test.store.get(claimKey(owner, 1))).toBeUndefined();
    expect(await blobsOf(test.store)).toHaveLength(7);
    expect((await collectLater(test)).counts).toEqual({ ...none, waiting: 2 });
    test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT - 1;
    expect((await collect(registry)).counts).toEqual({ ...none, waiting: 2 });
    test.clock.nowMs += 1;
    const last = await collect(registry);
    expect(last.collection).toMatchObject({ blob: { count: 2, bytes }, waiting: { count: 0 } });
    expect(await blobsOf(test.store)).toHaveLength(5);
    expect((await collectLater(test)).counts).toEqual(none);
    expect((await listAll(test.store, { prefix: blobsPrefix(alpha) })).keys).toHaveLength(5);
  });

  it("leaves a blob for the grace time after its version, though it was marked long before", async () => {
    const [blob = ""] = (await registry.resolve(alpha, { name: router, version: 1 })).manifest.files.map(
      (file) => blobKey(alpha, file),
    );
    await test.store.put(markKeyOf(blob), encode(JSON.stringify({ state: "marked", nonce: "n" })));
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect((await collect(registry)).counts).toEqual({ ...none, version: 1 });
    expect((await collect(registry)).counts).toEqual({ ...none, waiting: 2 });
    test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT - 1;
    expect((await collect(registry)).counts).toEqual({ ...none, waiting: 2 });
    expect(await test.store.get(blob)).toBeDefined();
  });

  it("leaves the version's number gone: answered, letter by letter, like one that never was", async () => {
    const twin = createTestRegistry();
    for (const text of ["one", "two", "three"]) await twin.registry.publish(alpha, publishRequest(text));
    await registry.deleteVersion(alpha, router, { version: 2 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collect(registry);
    for (const reader of [registry, test.reopen()]) {
      for (const ask of [
        (on: Registry, version: number) => on.resolve(alpha, { name: router, version }),
        (on: Registry, version: number) => on.restoreVersion(alpha, router, { version }),
        (on: Registry, version: number) => on.deleteVersion(alpha, router, { version }),
        (on: Registry, version: number) => on.setAlias(alpha, router, { alias: "canary", version }),
        (on: Registry, version: number) => on.rollback(alpha, router, { alias: "production", version }),
      ]) {
        const neverWas = (await told(ask(twin.registry, 9))).replaceAll("version 9", "version 2");
        expect(await told(ask(reader, 2))).toBe(neverWas);
      }
    }
    const { versions } = await registry.listVersions(alpha, router);
    expect(versions.map(({ version }) => version)).toEqual([3, 1]);
    expect((await registry.publish(alpha, publishRequest("four"))).version).toBe(4);
  });

  it("removes a deleted adapter with all its versions; the name begins anew, its numbers go on", async () => {
    await registry.deleteAdapter(alpha, router);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect((await collect(registry)).counts).toEqual({ ...none, adapter: 1, version: 3 });
    expect((await collectLater(test)).counts).toEqual({ ...none, waiting: 6 });
    expect((await collectLater(test)).counts).toEqual({ ...none, blob: 6 });
    const empty = createTestRegistry().registry;
    for (const ask of [
      (on: Registry) => on.restoreAdapter(alpha, router),
      (on: Registry) => on.resolve(alpha, { name: router, alias: "production" }),
      (on: Registry) => on.listHistory(alpha, router),
      (on: Registry) => on.listAdapters(alpha),
    ]) {
      expect(await told(ask(test.reopen()))).toBe(await told(ask(empty)));
    }
    expect(await test.store.get(claimKey(owner, 3))).toBeDefined();
    expect((await registry.publish(alpha, publishRequest("four"))).version).toBe(4);
    expect((await registry.listVersions(alpha, router)).versions).toHaveLength(1);
    await collect(registry);
    expect((await checkStore(test.store)).found).toBe(0);
  });

  it("whose clock is ahead of a server's takes away what that server would still restore", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    await registry.publish(alpha, publishRequest("x", { name: parseAdapterName("other") }));
    await registry.deleteAdapter(alpha, parseAdapterName("other"));
    const behind = test.clock.nowMs;
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const remove = test.store.delete.bind(test.store);
    test.store.delete = async (key) => {
      if (key.includes("/manifests/")) throw new Error("halted");
      return remove(key);
    };
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(collect(registry)).rejects.toThrow("halted");
    expect(await test.store.get(manifestKey(owner, 1))).toBeDefined();
    test.clock.nowMs = behind;
    const server = test.reopen();
    const restoring = server.restoreVersion(alpha, router, { version: 1 });
    await expect(restoring).rejects.toMatchObject({ code: "version_not_found" });
    const restoringAdapter = server.restoreAdapter(alpha, parseAdapterName("other"));
    await expect(restoringAdapter).rejects.toMatchObject({ code: "adapter_not_found" });
  });

  it("that ends before the manifests go leaves an adapter as it is without them", async () => {
    await registry.rollback(alpha, router, { alias: "production", version: 1 });
    for (const version of [2, 3]) await registry.deleteVersion(alpha, router, { version });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const remove = test.store.delete.bind(test.store);
    test.store.delete = async (key) => {
      if (key.includes("/manifests/")) throw new Error("halted");
      return remove(key);
    };
    await expect(collect(registry)).rejects.toThrow("halted");
    const reader = test.reopen();
    expect(await reader.listVersions(alpha, router)).toMatchObject({ versions: [{ version: 1 }] });
    expect(await told(reader.resolve(alpha, { name: router, version: 3 }))).toContain("Its latest is 1;");
    test.store.delete = remove;
    expect((await collect(registry)).counts).toEqual({ ...none, version: 2 });
  });

  it("and a restoration at once: one of them wins whole", async () => {
    for (let call = 0; call < 12; call += 1) {
      test = await createScene();
      registry = test.registry;
      await registry.deleteVersion(alpha, router, { version: 1 });
      const behind = test.clock.nowMs;
      test.clock.nowMs += RESTORE_MS_DEFAULT;
      const collecting = collect(test.reopen());
      for (let turn = 0; turn < 8 * call; turn += 1) await Promise.resolve();
      test.clock.nowMs = behind;
      const isRestored = await registry.restoreVersion(alpha, router, { version: 1 }).then(
        () => true,
        () => false,
      );
      await collecting;
      const first = test.reopen().resolve(alpha, { name: router, version: 1 });
      if (isRestored) await test.reopen().readFiles(alpha, (await first).manifest);
      else await expect(first).rejects.toMatchObject({ code: "version_not_found" });
    }
  });

  it("does not bring back what was published under an idempotency key, nor lets that publish anew", async () => {
    const request = publishRequest("four", { idempotencyKey: "job-4" });
    await registry.publish(alpha, request);
    await registry.rollback(alpha, router, { alias: "production" });
    await registry.deleteVersion(alpha, router, { version: 4 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collect(registry);
    const again = test.reopen().publish(alpha, request);
    await expect(again).rejects.toMatchObject({
      code: "conflict",
      publicMessage: expect.stringContaining("router:4"),
    });
    expect(await test.store.get(manifestKey(owner, 4))).toBeUndefined();
  });

  it("keeps blobs that another version or a dataset names, and those of other tenants", async () => {
    await registry.publish(alpha, publishRequest("one", { name: parseAdapterName("other") }));
    await registry.publish(beta, publishRequest("one"));
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collectLater(test, 4);
    expect(await blobsOf(test.store)).toHaveLength(7);
    expect((await listAll(test.store, { prefix: blobsPrefix(beta) })).keys).toHaveLength(2);
    const { manifest } = await registry.resolve(alpha, {
      name: parseAdapterName("other"),
      alias: "production",
    });
    expect(decode((await test.reopen().readFiles(alpha, manifest)).weights)).toBe("weights of one");
  });

  it("removes a version's figures on test sets with it, and no other's", async () => {
    const { id: datasetId } = await registry.putDataset(alpha, dataset);
    const figures = { accuracy: 1, macroF1: 1, precision: "fp32" as const, softgate: "0.0.0" };
    for (const version of [1, 2]) {
      await registry.recordEvaluation(alpha, router, { version, datasetId, rows: 1, ...figures });
    }
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collect(registry);
    expect(await test.store.get(evaluationKey(owner, 1, datasetId))).toBeUndefined();
    expect(await test.store.get(evaluationKey(owner, 2, datasetId))).toBeDefined();
    await collectLater(test, 2);
    expect((await checkStore(test.store)).found).toBe(0);
  });

  it("leaves a version whose number would be one gap too many in the state, until that is closed", async () => {
    const state = JSON.parse(decode((await test.store.get(stateKey(owner)))?.bytes));
    state.gone = Array.from({ length: GONE_RANGES_MAX }, (_, index) => [10 + 2 * index, 10 + 2 * index]);
    await test.store.put(stateKey(owner), encode(JSON.stringify(state)));
    registry = test.reopen();
    await registry.deleteVersion(alpha, router, { version: 2 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect((await collect(registry)).counts).toEqual(none);
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect((await collect(registry)).counts).toEqual({ ...none, version: 2 });
  });

  it("removes numbers of publishes that died, but the newest, once they are old", async () => {
    const claim = encode(JSON.stringify({ nonce: "n", at: new Date(0).toISOString() }));
    for (const version of [4, 5]) await test.store.put(claimKey(owner, version), claim);
    expect((await collect(registry)).counts).toEqual(none);
    test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT;
    expect((await collect(registry)).removed).toEqual([{ kind: "claim", name: "router:4", bytes: 0 }]);
    expect((await registry.publish(alpha, publishRequest("six"))).version).toBe(6);
  });

  it("removes nothing of a tenant of which a manifest cannot be read, and says which", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await test.store.put(manifestKey(owner, 2), encode("{"));
    const before = await dump(test.store);
    await expect(test.reopen().collectGarbage(alpha)).rejects.toMatchObject({
      code: "invalid_manifest",
      publicMessage: expect.stringContaining("router:2"),
    });
    expect(await dump(test.store)).toEqual(before);
  });

  it("waits for no less than what publishes rely on", async () => {
    const hurried = registry.collectGarbage(alpha, { graceMs: GARBAGE_AGE_MS_MIN - 1 });
    await expect(hurried).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(GARBAGE_AGE_MS_MIN).toBeGreaterThanOrEqual(4 * PUBLISH_UNCHECKED_MS_MAX);
  });

  it("that is dry tells what would go, and changes nothing", async () => {
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1 } });
    await registry.publish(alpha, publishRequest("x", { name: parseAdapterName("other") }));
    await registry.deleteAdapter(alpha, parseAdapterName("other"));
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const before = await dump(test.store);
    const dry = await collect(registry, { dryRun: true });
    expect(await dump(test.store)).toEqual(before);
    expect(dry.counts).toEqual({ ...none, adapter: 1, version: 2 });
    expect(byName((await collect(registry)).removed)).toEqual(byName(dry.removed));
    test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT;
    const waiting = await collect(registry, { dryRun: true });
    expect(waiting.counts).toEqual({ ...none, waiting: 4 });
    expect(byName((await collect(registry)).removed)).toEqual(byName(waiting.removed));
    test.clock.nowMs += GARBAGE_AGE_MS_DEFAULT;
    const blobs = await collect(registry, { dryRun: true });
    expect(blobs.counts).toEqual({ ...none, blob: 4 });
    expect(byName((await collect(registry)).removed)).toEqual(byName(blobs.removed));
  });

  it("frees what its tenant may have, when the bytes are gone", async () => {
    const bytes = async () => (await registry.getUsage(alpha)).bytes.used;
    const before = await bytes();
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collectLater(test, 2);
    expect(await bytes()).toBe(before);
    await collectLater(test);
    expect(await bytes()).toBe(before - "config of one".length - "weights of one".length);
  });

  it("writes what it did to an adapter into its history, with who did it", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await collect(registry, { actor: { id: "cli" } });
    const { changes } = await registry.listHistory(alpha, router, { limit: 1 });
    expect(changes).toMatchObject([
      { action: "collect_versions", versions: [1], automatic: true, by: "cli" },
    ]);
  });

  it("tells how far it is, and ends where that is refused", async () => {
    const told: string[] = [];
    const onProgress = ({ adapters, blobs }: { adapters: number; blobs: number }) => {
      told.push(`${adapters} of ${blobs}`);
      if (adapters > 0) throw new Error("interrupted");
    };
    await expect(registry.collectGarbage(alpha, { onProgress })).rejects.toThrow("interrupted");
    expect(told).toEqual(["0 of 7", "1 of 7"]);
  });
});
