import { beforeEach, describe, expect, it } from "vitest";
import { usageKey } from "./layout.ts";
import { BYTES_PER_TENANT_DEFAULT, RESTORE_MS_DEFAULT } from "./limits.ts";
import { parseAdapterName, type Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

let test: TestRegistry;
let registry: Registry;

beforeEach(() => {
  test = createTestRegistry();
  registry = test.registry;
});

const named = (name: string, text = name) => publishRequest(text, { name: parseAdapterName(name) });
const used = async (tenant = alpha) => {
  const { adapters, bytes } = await registry.getUsage(tenant);
  return { adapters: adapters.used, bytes: bytes.used };
};
const bytesOf = (...texts: string[]) =>
  texts.reduce((sum, text) => sum + `config of ${text}`.length + `weights of ${text}`.length, 0);
const dataset = (text: string) => ({
  ...{ bytes: encode(text), rows: 1, labels: ["a"], fileName: "a.csv", mediaType: "text/csv" as const },
  columns: { text: "text", label: "label" },
});

describe("usage", () => {
  it("counts adapters that are not deleted, and each content once", async () => {
    expect(await used()).toEqual({ adapters: 0, bytes: 0 });
    await registry.publish(alpha, named("a", "one"));
    await registry.publish(alpha, named("a", "two"));
    await registry.publish(alpha, named("b", "two"));
    await registry.putDataset(alpha, dataset("12345"));
    await registry.putDataset(alpha, dataset("12345"));
    expect(await used()).toEqual({ adapters: 2, bytes: bytesOf("one", "two") + 5 });
    await registry.deleteAdapter(alpha, parseAdapterName("b"));
    expect((await used()).adapters).toBe(1);
    await registry.restoreAdapter(alpha, parseAdapterName("b"));
    await registry.restoreAdapter(alpha, parseAdapterName("b"));
    expect((await used()).adapters).toBe(2);
    expect(await used(beta)).toEqual({ adapters: 0, bytes: 0 });
    expect(await registry.recountUsage(alpha)).toEqual({ adapters: 2, bytes: bytesOf("one", "two") + 5 });
  });

  it("a store that was never counted is counted at the first write, all that stood there before included", async () => {
    await registry.publish(alpha, named("a", "one"));
    await registry.publish(alpha, named("b", "two"));
    await registry.deleteAdapter(alpha, parseAdapterName("b"));
    await test.store.delete(usageKey(alpha));
    await registry.publish(alpha, named("c", "three"));
    expect(await used()).toEqual({ adapters: 2, bytes: bytesOf("one", "two", "three") });
  });

  it("a name that begins anew after its window counts once", async () => {
    await registry.publish(alpha, named("a", "one"));
    await registry.deleteAdapter(alpha, parseAdapterName("a"));
    test.clock.nowMs += RESTORE_MS_DEFAULT;
    await registry.publish(alpha, named("a", "two"));
    expect((await used()).adapters).toBe(1);
    expect((await registry.recountUsage(alpha)).adapters).toBe(1);
  });

  it.each(["before", "after"] as const)(
    "a publish whose writes fail (%s they are made) leaves the count at the truth or above, and a recount at the truth",
    async (fault) => {
      for (let write = 0; write < 11; write += 1) {
        test = createTestRegistry();
        registry = test.registry;
        await registry.publish(alpha, named("a", "one"));
        test.store.revive();
        test.store.faults.set(write, fault);
        await registry.publish(alpha, named("b", "two")).catch(() => undefined);
        test.store.revive();
        const counted = await used();
        await test.store.delete(usageKey(alpha));
        const truth = await used();
        expect(counted.adapters).toBeGreaterThanOrEqual(truth.adapters);
        expect(counted.bytes).toBeGreaterThanOrEqual(truth.bytes);
      }
    },
  );
});

describe("limits", () => {
  it("a tenant has the defaults, or what an operator has set, which the audit tells", async () => {
    await registry.setTenantLimits(alpha, { adapters: 3 }, { id: "cli" });
    expect(await registry.getUsage(alpha)).toMatchObject({
      adapters: { limit: 3 },
      bytes: { limit: BYTES_PER_TENANT_DEFAULT },
    });
    expect((await registry.listAudit(alpha)).entries).toMatchObject([
      { action: "set_limits", by: "cli", limits: { adapters: 3 } },
    ]);
    await registry.setTenantLimits(alpha, { bytes: 7 });
    expect(await registry.getUsage(alpha)).toMatchObject({
      adapters: { limit: 10_000 },
      bytes: { limit: 7 },
    });
  });

  it("a further adapter is refused, before its training too; a further version is not", async () => {
    await registry.setTenantLimits(alpha, { adapters: 1 });
    await registry.publish(alpha, named("a", "one"));
    const refused = {
      code: "quota_exceeded",
      publicMessage: expect.stringMatching(/may have 1 adapters, have 1/),
    };
    await expect(registry.publish(alpha, named("b"))).rejects.toMatchObject(refused);
    await expect(registry.requirePublishable(alpha, parseAdapterName("b"))).rejects.toMatchObject(refused);
    await registry.publish(alpha, named("a", "two"));
    await registry.publish(beta, named("b"));
    await registry.deleteAdapter(alpha, parseAdapterName("a"));
    await registry.publish(alpha, named("b"));
    await expect(registry.restoreAdapter(alpha, parseAdapterName("a"))).rejects.toMatchObject(refused);
  });

  it("a further version is refused until one is deleted, and that one cannot come back beside the new", async () => {
    await registry.setTenantLimits(alpha, { versionsPerAdapter: 2 });
    for (const text of ["one", "two"]) await registry.publish(alpha, publishRequest(text));
    const refused = { code: "quota_exceeded", publicMessage: expect.stringContaining("versions") };
    await expect(registry.publish(alpha, publishRequest("three"))).rejects.toMatchObject(refused);
    await expect(registry.requirePublishable(alpha, router)).rejects.toMatchObject(refused);
    await registry.deleteVersion(alpha, router, { version: 1 });
    expect((await registry.publish(alpha, publishRequest("three"))).version).toBe(3);
    await expect(registry.restoreVersion(alpha, router, { version: 1 })).rejects.toMatchObject(refused);
  });

  it("bytes that do not fit are refused and not written; a publish that was made is answered all the same", async () => {
    const request = publishRequest("one", { idempotencyKey: "job-1" });
    await registry.publish(alpha, request);
    await registry.setTenantLimits(alpha, { bytes: bytesOf("one") + 4 });
    test.store.calls.length = 0;
    const refused = { code: "quota_exceeded", publicMessage: expect.stringContaining("needs 5 more") };
    await expect(registry.putDataset(alpha, dataset("12345"))).rejects.toMatchObject(refused);
    await expect(registry.publish(alpha, publishRequest("two"))).rejects.toMatchObject({
      code: "quota_exceeded",
    });
    expect(test.store.calls.filter((call) => call.startsWith("put"))).toEqual([]);
    await registry.putDataset(alpha, dataset("1234"));
    expect((await registry.publish(alpha, request)).version).toBe(1);
    await expect(registry.requirePublishable(alpha, router)).rejects.toMatchObject({
      code: "quota_exceeded",
    });
  });

  it("many writers at once do not go past the limits of adapters and bytes", async () => {
    await registry.setTenantLimits(alpha, { adapters: 3, bytes: 100 });
    const processes = [test.reopen(), test.reopen()];
    const writes = Array.from({ length: 16 }, (_, index) => {
      const writer = processes[index % 2] ?? registry;
      return index % 4 < 2
        ? writer.publish(alpha, named(`a${String(index).padStart(2, "0")}`))
        : writer.putDataset(alpha, dataset(String(index).padStart(10, "0")));
    });
    const results = await Promise.allSettled(writes);
    const failures = results.filter((result) => result.status === "rejected");
    expect(failures.length).toBeGreaterThan(0);
    for (const { reason } of failures) expect(reason).toMatchObject({ code: "quota_exceeded" });
    await test.store.delete(usageKey(alpha));
    const truth = await used();
    expect(truth.adapters).toBeLessThanOrEqual(3);
    expect(truth.bytes).toBeLessThanOrEqual(100);
    expect(truth.bytes).toBeGreaterThan(0);
  });
});
