import { beforeEach, describe, expect, it } from "vitest";
import { stateKey } from "./layout.ts";
import { ALIAS_STALE_MS_MAX, DELETED_VERSIONS_MAX, RESTORE_MS_DEFAULT } from "./limits.ts";
import { parseAdapterName, type Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  decode,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

const production = { name: router, alias: "production" };
let test: TestRegistry;
let registry: Registry;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry } = test);
  for (const text of ["one", "two"]) await registry.publish(alpha, publishRequest(text));
});

/** What a caller is told, letter by letter. */
function told(call: Promise<unknown>): Promise<string> {
  return call.then(
    (value) => JSON.stringify(value),
    (error: { code: string; publicMessage: string }) => JSON.stringify([error.code, error.publicMessage]),
  );
}

describe("a deleted adapter", () => {
  it("is answered, letter by letter, like one that never was", async () => {
    const empty = createTestRegistry().registry;
    await registry.deleteAdapter(alpha, router);
    for (const ask of [
      (reader: Registry) => reader.resolve(alpha, production),
      (reader: Registry) => reader.resolve(alpha, { name: router, alias: "canary" }),
      (reader: Registry) => reader.resolve(alpha, { name: router, version: 1 }),
      (reader: Registry) => reader.listAdapters(alpha),
      (reader: Registry) => reader.listVersions(alpha, router),
      (reader: Registry) => reader.listHistory(alpha, router),
      (reader: Registry) => reader.listAliases(alpha, router),
      (reader: Registry) => reader.setAlias(alpha, router, { alias: "production", version: 1 }),
      (reader: Registry) => reader.rollback(alpha, router, { alias: "production" }),
      (reader: Registry) => reader.protectAlias(alpha, router, { alias: "production", protected: true }),
      (reader: Registry) => reader.setRetention(alpha, router, { retention: { keepVersions: 1 } }),
      (reader: Registry) => reader.getRetention(alpha, router),
      (reader: Registry) => reader.deleteVersion(alpha, router, { version: 1 }),
      (reader: Registry) => reader.restoreVersion(alpha, router, { version: 1 }),
      (reader: Registry) => reader.deleteAdapter(alpha, router),
    ]) {
      expect(await told(ask(registry))).toBe(await told(ask(empty)));
    }
  });

  it("is gone for other servers after a second at most, and for one's own at once", async () => {
    const other = test.reopen();
    await other.resolve(alpha, production);
    await registry.deleteAdapter(alpha, router);
    test.clock.nowMs += ALIAS_STALE_MS_MAX;
    await expect(other.resolve(alpha, production)).rejects.toMatchObject({ code: "adapter_not_found" });
    await expect(other.resolve(alpha, { name: router, version: 2 })).rejects.toMatchObject({
      code: "adapter_not_found",
    });
  });

  it("comes back as it was, until the window ends", async () => {
    const { restorableUntil } = await registry.deleteAdapter(alpha, router);
    expect(Date.parse(restorableUntil) - test.clock.nowMs).toBe(RESTORE_MS_DEFAULT);
    test.clock.nowMs += RESTORE_MS_DEFAULT - 1;
    await registry.restoreAdapter(alpha, router);
    expect((await registry.resolve(alpha, production)).version).toBe(2);
    await registry.deleteAdapter(alpha, router);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const late = registry.restoreAdapter(alpha, router);
    await expect(late).rejects.toMatchObject({ code: "adapter_not_found" });
  });

  it("holds its name while it can be restored; then the name begins anew, with new numbers", async () => {
    await registry.deleteAdapter(alpha, router);
    const request = publishRequest("three");
    const refused = { code: "adapter_deleted", publicMessage: expect.stringContaining("restore it first") };
    await expect(registry.publish(alpha, request)).rejects.toMatchObject(refused);
    await expect(registry.requirePublishable(alpha, router)).rejects.toMatchObject(refused);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await registry.requirePublishable(alpha, router);
    expect((await registry.publish(alpha, request)).version).toBe(3);
    expect((await registry.listVersions(alpha, router)).versions.map(({ version }) => version)).toEqual([3]);
    for (const version of [1, 2]) {
      const reading = registry.resolve(alpha, { name: router, version });
      await expect(reading).rejects.toMatchObject({ code: "version_not_found" });
    }
    await registry.restoreAdapter(alpha, router);
    await expect(registry.restoreVersion(alpha, router, { version: 1 })).rejects.toMatchObject({
      code: "version_not_found",
    });
  });

  it("is not brought back by a publish that began before", async () => {
    const { store } = test;
    const put = store.put.bind(store);
    const other = test.reopen();
    store.put = async (key, bytes, condition) => {
      if (key.includes("/manifests/")) await other.deleteAdapter(alpha, router);
      return put(key, bytes, condition);
    };
    await expect(registry.publish(alpha, publishRequest("three"))).rejects.toMatchObject({
      code: "adapter_deleted",
    });
    await expect(registry.resolve(alpha, production)).rejects.toMatchObject({ code: "adapter_not_found" });
  });

  it("with a protected alias needs force and a reason", async () => {
    await registry.protectAlias(alpha, router, { alias: "production", protected: true });
    for (const options of [{}, { force: true }, { why: "because" }]) {
      const deletion = registry.deleteAdapter(alpha, router, options);
      await expect(deletion).rejects.toMatchObject({ code: "alias_protected" });
    }
    await registry.deleteAdapter(alpha, router, { force: true, why: "the customer left" });
  });

  it("is the tenant's own", async () => {
    await registry.publish(beta, publishRequest("theirs"));
    await registry.deleteAdapter(alpha, router);
    expect((await registry.resolve(beta, production)).version).toBe(1);
    const foreign = registry.deleteAdapter(beta, parseAdapterName("other"));
    await expect(foreign).rejects.toMatchObject({ code: "adapter_not_found" });
  });
});

describe("a deleted version", () => {
  it("is answered, letter by letter, like one that never was, and its number is not used again", async () => {
    const twin = createTestRegistry().registry;
    for (const text of ["one", "two"]) await twin.publish(alpha, publishRequest(text));
    await registry.publish(alpha, publishRequest("three", { alias: "canary" }));
    await registry.setAlias(alpha, router, { alias: "canary", version: 2 });
    await twin.setAlias(alpha, router, { alias: "canary", version: 2 });
    await registry.deleteVersion(alpha, router, { version: 3 });
    const gone = { name: router, version: 3 };
    expect(await told(registry.resolve(alpha, gone))).toBe(await told(twin.resolve(alpha, gone)));
    expect(await told(registry.listVersions(alpha, router))).toBe(
      await told(twin.listVersions(alpha, router)),
    );
    expect(await told(registry.listAdapters(alpha))).toBe(await told(twin.listAdapters(alpha)));
    expect((await registry.publish(alpha, publishRequest("four"))).version).toBe(4);
  });

  it("is refused while an alias points at it, with the aliases' names", async () => {
    await registry.setAlias(alpha, router, { alias: "canary", version: 2 });
    await expect(registry.deleteVersion(alpha, router, { version: 2 })).rejects.toMatchObject({
      code: "version_in_use",
      publicMessage: expect.stringContaining("canary, production"),
    });
  });

  it("never is what an alias points at, though both are asked for at once", async () => {
    const processes = [registry, test.reopen()] as const;
    for (let round = 0; round < 10; round += 1) {
      const outcomes = await Promise.allSettled([
        processes[0].setAlias(alpha, router, { alias: "canary", version: 1 }),
        processes[1].deleteVersion(alpha, router, { version: 1 }),
      ]);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      await registry.restoreVersion(alpha, router, { version: 1 });
      await registry.setAlias(alpha, router, { alias: "canary", version: 2 });
    }
  });

  it("comes back within the window, and not after it", async () => {
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT - 1;
    await registry.restoreVersion(alpha, router, { version: 1 });
    expect((await registry.resolve(alpha, { name: router, version: 1 })).version).toBe(1);
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    const late = registry.restoreVersion(alpha, router, { version: 1 });
    await expect(late).rejects.toMatchObject({ code: "version_not_found" });
  });

  it("is not published again by its idempotency key", async () => {
    const request = publishRequest("three", { idempotencyKey: "job-3" });
    await registry.publish(alpha, request);
    await registry.rollback(alpha, router, { alias: "production" });
    await registry.deleteVersion(alpha, router, { version: 3 });
    await expect(registry.publish(alpha, request)).rejects.toMatchObject({
      code: "conflict",
      publicMessage: expect.stringContaining("router:3"),
    });
  });

  it("is one of so many, and one more is refused", async () => {
    const key = stateKey({ tenant: alpha, name: router });
    const state = JSON.parse(decode((await test.store.get(key))?.bytes));
    const at = new Date(test.clock.nowMs).toISOString();
    state.deletedVersions = Array.from({ length: DELETED_VERSIONS_MAX }, (_, index) => ({
      version: index + 10,
      at,
    }));
    await test.store.put(key, encode(JSON.stringify(state)));
    const fresh = test.reopen();
    await expect(fresh.deleteVersion(alpha, router, { version: 1 })).rejects.toMatchObject({
      code: "limit_exceeded",
    });
  });
});
