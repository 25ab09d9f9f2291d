import { beforeEach, describe, expect, it, vi } from "vitest";
import { createRegistry } from "./create-registry.ts";
import { ALIAS_REFRESH_MS, ALIAS_STALE_MS_MAX, BEFORE_SWITCH_MS_MAX } from "./limits.ts";
import type { Registry, ResolvedAdapter, TenantId } from "./registry.ts";
import { alpha, createTestRegistry, publishRequest, router, type TestRegistry } from "./test-registry.ts";

let test: TestRegistry;
let registry: Registry;
let prepare: (tenant: TenantId, adapter: ResolvedAdapter) => Promise<void>;
let prepared: string[];
const production = { name: router, alias: "production" };
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  test = createTestRegistry();
  prepared = [];
  prepare = async () => undefined;
  registry = createRegistry({
    store: test.store,
    now: () => new Date(test.clock.nowMs),
    beforeSwitch: (tenant, adapter) => {
      prepared.push(`${tenant} ${adapter.name}:${adapter.version}`);
      return prepare(tenant, adapter);
    },
  });
});

describe("before an alias leads to another version, that version can be loaded", () => {
  it("by a publish and a move of this process: the alias moves once it is", async () => {
    const loaded = Promise.withResolvers<void>();
    prepare = () => loaded.promise;
    const publishing = registry.publish(alpha, publishRequest("one"));
    await settled();
    expect(prepared).toEqual(["alpha router:1"]);
    await expect(test.reopen().resolve(alpha, production)).rejects.toMatchObject({ code: "alias_not_found" });
    loaded.resolve();
    await publishing;
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    await registry.publish(alpha, publishRequest("two"));
    await registry.setAlias(alpha, router, { alias: "production", version: 1 });
    expect(prepared).toEqual(["alpha router:1", "alpha router:2", "alpha router:1"]);
  });

  it("by another process: requests get the version before until it is, or until that is too old", async () => {
    const other = test.reopen();
    await other.publish(alpha, publishRequest("one"));
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    await other.publish(alpha, publishRequest("two"));
    const loaded = Promise.withResolvers<void>();
    prepare = () => loaded.promise;
    test.clock.nowMs += ALIAS_REFRESH_MS;
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    await settled();
    expect(prepared).toEqual(["alpha router:2"]);
    test.clock.nowMs += ALIAS_STALE_MS_MAX - ALIAS_REFRESH_MS - 1;
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    loaded.resolve();
    await settled();
    expect((await registry.resolve(alpha, production)).version).toBe(2);
  });

  it("but what was read is never given out when it is older than is stated, loaded or not", async () => {
    const other = test.reopen();
    await other.publish(alpha, publishRequest("one"));
    await registry.resolve(alpha, production);
    await other.publish(alpha, publishRequest("two"));
    prepare = () => new Promise(() => undefined);
    test.clock.nowMs += ALIAS_REFRESH_MS;
    await registry.resolve(alpha, production);
    test.clock.nowMs += ALIAS_STALE_MS_MAX - ALIAS_REFRESH_MS;
    expect((await registry.resolve(alpha, production)).version).toBe(2);
  });

  it("and a loading that fails or never ends holds up no publish for good", async () => {
    prepare = async () => {
      throw new Error("broken adapter");
    };
    await expect(registry.publish(alpha, publishRequest("one"))).resolves.toMatchObject({ version: 1 });
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      prepare = () => new Promise(() => undefined);
      const publishing = registry.publish(alpha, publishRequest("two"));
      await vi.advanceTimersByTimeAsync(BEFORE_SWITCH_MS_MAX);
      await expect(publishing).resolves.toMatchObject({ version: 2 });
    } finally {
      vi.useRealTimers();
    }
  });
});
