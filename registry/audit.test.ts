import { beforeEach, describe, expect, it } from "vitest";
import { auditPrefix, datasetKey } from "./layout.ts";
import { GARBAGE_AGE_MS_MIN } from "./limits.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  encode,
  type FaultyStore,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

const actor = { id: "key_1", requestId: "request-1" };
const dataset = {
  bytes: encode("text,label"),
  rows: 8,
  labels: ["a", "b"],
  fileName: "a.csv",
  mediaType: "text/csv" as const,
  columns: { text: "text", label: "label" },
  actor,
};
let test: TestRegistry;
let registry: Registry;
let store: FaultyStore;

beforeEach(() => {
  test = createTestRegistry();
  ({ registry, store } = test);
});

/** Each thing that can be changed, each by the actor. */
const changes: Record<string, (registry: Registry) => Promise<unknown>> = {
  create_tenant: async (on) => on.createTenant(alpha, { actor }),
  create_key: async (on) => on.createKey(alpha, "test", { actor }),
  rotate_key: async (on) => {
    const { record } = await on.createKey(alpha, "test", { actor });
    await on.rotateKey(record.id, { actor });
  },
  revoke_key: async (on) => on.revokeKey((await on.listKeys(alpha)).keys[0]?.id ?? "", { actor }),
  upload_dataset: async (on) => on.putDataset(alpha, dataset),
  publish: async (on) => on.publish(alpha, publishRequest("one", { actor })),
  move_alias: async (on) => on.setAlias(alpha, router, { alias: "canary", version: 1, actor }),
  second: async (on) => on.publish(alpha, publishRequest("two", { actor })),
  rollback: async (on) => on.rollback(alpha, router, { alias: "production", actor }),
  protect_alias: async (on) =>
    on.protectAlias(alpha, router, { alias: "production", protected: true, actor }),
  hold_alias: async (on) => on.publish(alpha, publishRequest("three", { actor })),
  delete_version: async (on) => on.deleteVersion(alpha, router, { version: 2, actor }),
  restore_version: async (on) => on.restoreVersion(alpha, router, { version: 2, actor }),
  delete_adapter: async (on) => on.deleteAdapter(alpha, router, { force: true, why: "test", actor }),
  restore_adapter: async (on) => on.restoreAdapter(alpha, router, { actor }),
  set_retention: async (on) => on.setRetention(alpha, router, { retention: { keepVersions: 1 }, actor }),
  set_shadow: async (on) => on.setShadow(alpha, router, { shadow: { alias: "canary", share: 1 }, actor }),
  delete_feedback: async (on) => {
    const { id } = await on.addFeedback(alpha, router, { version: 1, text: "x", label: "no" });
    await on.deleteFeedback(alpha, router, { id, actor });
  },
  expire_versions: async (on) => {
    test.clock.nowMs += GARBAGE_AGE_MS_MIN;
    await on.collectGarbage(alpha, { actor });
  },
};

describe("the audit", () => {
  it("has an entry of every kind of change, with actor, request and time", async () => {
    for (const change of Object.values(changes)) {
      await change(registry);
      test.clock.nowMs += 1_000;
    }
    const { entries, next } = await registry.listAudit(alpha, { limit: 200 });
    expect(next).toBeUndefined();
    const kinds = Object.keys(changes).filter((kind) => kind !== "second");
    expect([...new Set(entries.map(({ action }) => action))].sort()).toEqual(kinds.sort());
    expect(entries.every(({ by, requestId }) => by === "key_1" && requestId === "request-1")).toBe(true);
    expect(entries.map(({ at }) => at)).toEqual(
      entries
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    expect((await registry.listAudit(beta)).entries).toEqual([]);
  });

  it("has one entry of a publish however often it is repeated, and of each alias move", async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await registry.publish(alpha, publishRequest("one", { idempotencyKey: "job-1", actor }));
      test.clock.nowMs += 1_000;
    }
    const { entries } = await registry.listAudit(alpha);
    // Of one moment, so in any order.
    expect(entries.map(({ action }) => action).sort()).toEqual(["move_alias", "publish"]);
  });

  it.each(["create_tenant", "create_key", "rotate_key", "revoke_key", "upload_dataset", "publish"])(
    "is written before %s: with a dead process nothing is changed without an entry",
    async (kind) => {
      for (let write = 0; ; write += 1) {
        const attempt = createTestRegistry();
        if (kind === "revoke_key") await attempt.registry.createKey(alpha, "test");
        attempt.store.revive();
        attempt.store.diesOfFault = true;
        attempt.store.faults.set(write, "before");
        const survived = await changes[kind]?.(attempt.registry).then(
          () => true,
          () => false,
        );
        attempt.store.revive();
        const reader = attempt.reopen();
        const { keys } = await attempt.store.list({ prefix: datasetKey(alpha, "x").replace("x.json", "") });
        const listed = await reader.listVersions(alpha, router).catch(() => ({ versions: [] }));
        const { keys: listedKeys } = await reader.listKeys(alpha);
        const effects = {
          create_tenant: (await reader.getTenant(alpha)) ? 1 : 0,
          rotate_key: listedKeys.filter(({ rotatedTo }) => rotatedTo).length,
          create_key: listedKeys.length,
          revoke_key: listedKeys.filter(({ revokedAt }) => revokedAt).length,
          upload_dataset: keys.length,
          publish: listed.versions.length,
        };
        const { entries } = await reader.listAudit(alpha);
        const written = entries.filter(({ action }) => action === kind).length;
        expect(written).toBeGreaterThanOrEqual(effects[kind as keyof typeof effects]);
        if (survived) break;
      }
    },
  );

  it("comes by time: since and until take in their own moments", async () => {
    const start = test.clock.nowMs;
    for (let second = 0; second < 5; second += 1) {
      test.clock.nowMs = start + second * 1_000;
      await registry.createKey(alpha, `key ${second}`);
    }
    const secondsOf = async (page: Parameters<Registry["listAudit"]>[1]) =>
      (await registry.listAudit(alpha, page)).entries.map(({ at }) => (Date.parse(at) - start) / 1_000);
    const at = (second: number) => new Date(start + second * 1_000);
    expect(await secondsOf({})).toEqual([4, 3, 2, 1, 0]);
    expect(await secondsOf({ since: at(1), until: at(3) })).toEqual([3, 2, 1]);
    expect(await secondsOf({ until: at(0) })).toEqual([0]);
    const page = await registry.listAudit(alpha, { since: at(2), limit: 2 });
    const rest = await registry.listAudit(alpha, { since: at(2), limit: 2, after: page.next ?? "" });
    expect(rest.entries.map(({ at: time }) => (Date.parse(time) - start) / 1_000)).toEqual([2]);
    expect(rest.next).toBeUndefined();
  });

  it("refuses a place that no page has given", async () => {
    for (const after of ["", "../../beta/audit/x", "1-2"]) {
      await expect(registry.listAudit(alpha, { after })).rejects.toMatchObject({ code: "invalid_name" });
    }
  });

  it("never overwrites an entry", async () => {
    await registry.createKey(alpha, "test", { actor });
    const [key] = (await store.list({ prefix: auditPrefix(alpha) })).keys;
    const before = (await store.get(key ?? ""))?.etag;
    for (const change of Object.values(changes)) await change(registry);
    expect((await store.get(key ?? ""))?.etag).toBe(before);
  });
});
