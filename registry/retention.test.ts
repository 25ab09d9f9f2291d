import { beforeEach, describe, expect, it } from "vitest";
import { GARBAGE_AGE_MS_MIN, RESTORE_MS_DEFAULT, VERSIONS_PER_CHANGE_MAX } from "./limits.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
let test: TestRegistry;
let registry: Registry;

beforeEach(() => {
  test = createTestRegistry();
  registry = test.registry;
});

async function publishMany(count: number, { alias = "production", everyMs = 0 } = {}): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    await registry.publish(alpha, publishRequest(`text ${made}`, { alias }));
    test.clock.nowMs += everyMs;
  }
  test.clock.nowMs += GARBAGE_AGE_MS_MIN;
}

const versions = async () => {
  const page = await registry.listVersions(alpha, router, { limit: 200 });
  return page.versions.map(({ version }) => version);
};

describe("a retention", () => {
  it("keeps the newest versions, and deletes the others when garbage is collected", async () => {
    await publishMany(6);
    await registry.setRetention(alpha, router, { retention: { keepVersions: 3 } });
    expect(await versions()).toHaveLength(6);
    expect(await registry.collectGarbage(alpha)).toMatchObject({ expired: { count: 3 } });
    expect(await versions()).toEqual([6, 5, 4]);
    expect(await registry.collectGarbage(alpha)).toMatchObject({ expired: { count: 0 } });
  });

  it("keeps what aliases point at, and where their next rollbacks lead", async () => {
    await publishMany(6);
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 });
    await registry.setAlias(alpha, router, { alias: "canary", version: 2 });
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1 } });
    await registry.collectGarbage(alpha);
    expect(await versions()).toEqual([6, 5, 2, 1]);
    expect((await registry.rollback(alpha, router, { alias: "canary" })).version).toBe(1);
    expect((await registry.rollback(alpha, router, { alias: "production" })).version).toBe(5);
  });

  it("keeps what was published in the last hour: its publish may be about to move an alias to it", async () => {
    await publishMany(4, { alias: "canary" });
    test.clock.nowMs -= 1;
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1 } });
    await registry.collectGarbage(alpha);
    expect(await versions()).toHaveLength(4);
    test.clock.nowMs += 1;
    await registry.collectGarbage(alpha);
    expect(await versions()).toEqual([4, 3]);
  });

  it("keeps those that are no older than so many days, however many", async () => {
    await publishMany(6, { alias: "canary", everyMs: DAY_MS });
    await registry.setAlias(alpha, router, { alias: "canary", version: 5 });
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1, keepDays: 4 } });
    await registry.collectGarbage(alpha);
    expect(await versions()).toEqual([6, 5, 4]);
  });

  it("deletes what can be restored for the window, with an entry and a reason; then it is removed", async () => {
    await publishMany(3);
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1 }, why: "room is short" });
    await registry.collectGarbage(alpha, { actor: { id: "cli" } });
    const { changes } = await registry.listHistory(alpha, router, { limit: 2 });
    expect(changes).toMatchObject([
      {
        ...{ action: "expire_versions", versions: [1], automatic: true, by: "cli" },
        why: "Retention: the newest 1 stay.",
      },
      { action: "set_retention", retention: { keepVersions: 1 }, why: "room is short" },
    ]);
    await registry.restoreVersion(alpha, router, { version: 1 });
    expect(await versions()).toEqual([3, 2, 1]);
    await registry.collectGarbage(alpha);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect(await registry.collectGarbage(alpha)).toMatchObject({ version: { count: 1 } });
    expect(await versions()).toEqual([3, 2]);
  });

  it("deletes any number of versions, so many by one change", async () => {
    await publishMany(VERSIONS_PER_CHANGE_MAX + 12, { alias: "canary" });
    await registry.setRetention(alpha, router, { retention: { keepVersions: 2 } });
    expect(await registry.collectGarbage(alpha)).toMatchObject({ expired: { count: 110 } });
    expect(await versions()).toEqual([112, 111]);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    expect(await registry.collectGarbage(alpha)).toMatchObject({ version: { count: 110 } });
    expect(await versions()).toEqual([112, 111]);
  });

  it("is told, replaced and ended, each with an entry; the same again is none", async () => {
    await publishMany(3);
    expect((await registry.getRetention(alpha, router)).retention).toBeUndefined();
    for (const retention of [{ keepVersions: 1 }, { keepVersions: 1 }, { keepVersions: 2, keepDays: 3 }]) {
      await registry.setRetention(alpha, router, { retention });
      expect((await registry.getRetention(alpha, router)).retention).toEqual(retention);
    }
    await registry.setRetention(alpha, router, { retention: undefined });
    expect((await registry.getRetention(alpha, router)).retention).toBeUndefined();
    await registry.collectGarbage(alpha);
    expect(await versions()).toEqual([3, 2, 1]);
    const { changes } = await registry.listHistory(alpha, router);
    expect(changes.filter(({ action }) => action === "set_retention")).toHaveLength(3);
  });

  it("ends with its adapter: a name that begins anew keeps all", async () => {
    await publishMany(2);
    await registry.setRetention(alpha, router, { retention: { keepVersions: 1 } });
    await registry.deleteAdapter(alpha, router);
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await publishMany(1);
    expect((await registry.getRetention(alpha, router)).retention).toBeUndefined();
  });

  it("of an adapter that is not there, or another tenant's, is neither set nor told", async () => {
    await publishMany(1);
    const missing = { code: "adapter_not_found" };
    const setting = registry.setRetention(beta, router, { retention: { keepVersions: 1 } });
    await expect(setting).rejects.toMatchObject(missing);
    await expect(registry.getRetention(beta, router)).rejects.toMatchObject(missing);
  });
});
