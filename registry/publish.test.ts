import { beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "./digest.ts";
import { ADAPTER_FILE_BYTES_MAX } from "./limits.ts";
import { type PublishRequest, parseAdapterName, type Registry, type TenantId } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  decode,
  encode,
  type FaultyStore,
  publishRequest,
  router,
  type TestRegistry,
  type WriteFault,
} from "./test-registry.ts";

let test: TestRegistry;
let registry: Registry;
let store: FaultyStore;

beforeEach(() => {
  test = createTestRegistry();
  ({ registry, store } = test);
});

describe("publish", () => {
  it("makes version 1, 2, … of a name, and moves production to each", async () => {
    const first = await registry.publish(alpha, publishRequest("one"));
    const second = await registry.publish(alpha, publishRequest("two"));
    expect([first.version, second.version]).toEqual([1, 2]);
    expect(await registry.resolve(alpha, { name: router, alias: "production" })).toEqual(second);
    expect(await registry.resolve(alpha, { name: router, version: 1 })).toEqual(first);
  });

  it("answers what a later reader gets: manifest, and digest of the stored manifest's bytes", async () => {
    const published = await registry.publish(alpha, publishRequest("one"));
    const read = await test.reopen().resolve(alpha, { name: router, version: 1 });
    expect(read).toEqual(published);
    const [key = ""] = (await store.list({ prefix: "tenants/alpha/adapters/router/manifests/" })).keys;
    expect(published.digest).toBe(digestOf((await store.get(key))?.bytes ?? encode("")));
  });

  it("moves the alias it is given, and no other", async () => {
    await registry.publish(alpha, publishRequest("one"));
    await registry.publish(alpha, publishRequest("two", { alias: "canary" }));
    expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(1);
    expect((await registry.resolve(alpha, { name: router, alias: "canary" })).version).toBe(2);
  });

  it("sends content that is there already not again", async () => {
    await registry.publish(alpha, publishRequest("same"));
    store.calls.length = 0;
    await registry.publish(alpha, publishRequest("same"));
    expect(store.calls.filter((call) => call.startsWith("put") && call.includes("/blobs/"))).toEqual([]);
  });

  it("numbers each tenant's adapters for themselves, and shares no blob between tenants", async () => {
    await registry.publish(alpha, publishRequest("same"));
    expect((await registry.publish(beta, publishRequest("same"))).version).toBe(1);
    expect((await store.list({ prefix: "tenants/beta/blobs/" })).keys).toHaveLength(2);
  });

  it("hands out manifests that no caller can change for the next", async () => {
    const { manifest } = await registry.publish(alpha, publishRequest("one"));
    expect(() => manifest.labels.push("maybe")).toThrow(TypeError);
  });

  it("of many at once each gets its own number, and production ends at the highest", async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`);
    const published = await Promise.all(texts.map((text) => registry.publish(alpha, publishRequest(text))));
    expect(published.map(({ version }) => version).sort((a, b) => a - b)).toEqual(texts.map((_, i) => i + 1));
    expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(12);
  });

  it.each<[string, string, Partial<PublishRequest["manifest"]>]>([
    ["one label", "labels", { labels: ["only"] }],
    ["a temperature of 0", "temperature", { temperature: 0 }],
    [
      "an endless out-of-scope threshold",
      "outOfScope.below",
      { outOfScope: { score: "max_logit", below: -Infinity } },
    ],
    ["a digest that is none", "backbone.digest", { backbone: { id: "b", digest: "sha256:x", width: 1 } }],
  ])("refuses a manifest with %s, says where, and takes no number", async (_, path, change) => {
    const request = publishRequest("one");
    const manifest = { ...request.manifest, ...change };
    await expect(registry.publish(alpha, { ...request, manifest })).rejects.toMatchObject({
      code: "invalid_manifest",
      publicMessage: expect.stringContaining(path),
    });
    expect(store.writes).toBe(0);
  });

  it.each([
    ["an empty file", "invalid_manifest", { files: { config: new Uint8Array(), weights: encode("w") } }],
    [
      "a file that is too large",
      "limit_exceeded",
      { files: { config: encode("c"), weights: new Uint8Array(ADAPTER_FILE_BYTES_MAX + 1) } },
    ],
    ["a path as alias", "invalid_name", { alias: "../production" }],
    ["a path as name", "invalid_name", { name: "../beta/adapters/x" as typeof router }],
    ["an endless idempotency key", "limit_exceeded", { idempotencyKey: "x".repeat(201) }],
  ])("refuses %s before anything is written", async (_, code, change) => {
    await expect(registry.publish(alpha, publishRequest("one", change))).rejects.toMatchObject({ code });
    expect(store.calls).toEqual([]);
  });

  it("refuses a report that is too long for a manifest", async () => {
    const { manifest } = publishRequest("one");
    const report = { text: "x".repeat(1024 * 1024) };
    const publishing = registry.publish(alpha, publishRequest("one", { manifest: { ...manifest, report } }));
    await expect(publishing).rejects.toMatchObject({ code: "limit_exceeded" });
  });
});

describe("publish with an idempotency key", () => {
  const request = publishRequest("one", { idempotencyKey: "job-1" });

  it("makes one version, however often and with whatever files it is repeated", async () => {
    const first = await registry.publish(alpha, request);
    expect(await registry.publish(alpha, request)).toEqual(first);
    const retrained = publishRequest("trained anew", { idempotencyKey: "job-1" });
    expect(await test.reopen().publish(alpha, retrained)).toEqual(first);
    expect((await registry.listVersions(alpha, router)).versions).toHaveLength(1);
  });

  it("makes one version when two processes publish at once", async () => {
    const others = publishRequest("another", { idempotencyKey: "job-1" });
    const [first, second] = await Promise.all([
      registry.publish(alpha, request),
      test.reopen().publish(alpha, others),
    ]);
    expect(second).toEqual(first);
    expect((await registry.listVersions(alpha, router)).versions).toHaveLength(1);
    await expectWhole(registry, alpha);
  });

  it("repeated late, does not undo a later publish or a rollback", async () => {
    await registry.publish(alpha, request);
    await registry.publish(alpha, publishRequest("two", { idempotencyKey: "job-2" }));
    await registry.publish(alpha, request);
    expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(2);
    await registry.setAlias(alpha, router, { alias: "production", version: 1 });
    await registry.publish(alpha, publishRequest("two", { idempotencyKey: "job-2" }));
    expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(1);
  });

  it("is the tenant's own, and for one adapter", async () => {
    await registry.publish(alpha, request);
    expect((await registry.publish(beta, request)).version).toBe(1);
    const other = { ...request, name: parseAdapterName("other") };
    await expect(registry.publish(alpha, other)).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("a publish that dies", () => {
  const request = publishRequest("new", { idempotencyKey: "job-1" });

  it.each<WriteFault>(["before", "after"])(
    "%s any of its writes leaves nothing half-published, and its retry makes one version",
    async (fault) => {
      let deaths = 0;
      for (let write = 0; ; write += 1, deaths += 1) {
        const attempt = createTestRegistry();
        await attempt.registry.publish(alpha, publishRequest("old"));
        attempt.store.revive();
        attempt.store.diesOfFault = true;
        attempt.store.faults.set(write, fault);
        const survived = await attempt.registry.publish(alpha, request).then(
          () => true,
          () => false,
        );
        attempt.store.revive();
        await expectWhole(attempt.reopen(), alpha);
        const retried = await attempt.reopen().publish(alpha, request);
        const after = attempt.reopen();
        expect(await after.resolve(alpha, { name: router, alias: "production" })).toEqual(retried);
        expect((await after.listVersions(alpha, router)).versions).toHaveLength(2);
        await expectWhole(after, alpha);
        if (survived) break;
      }
      // Usage, two blobs, claim, publication, audit, manifest, audit of the change before, state.
      expect(deaths).toBe(9);
    },
  );

  it("after its claim leaves a number that is never used again", async () => {
    await registry.createKey(alpha, "any"); // The layout is marked; what follows is the publish's own.
    store.revive();
    store.diesOfFault = true;
    store.faults.set(5, "before");
    await expect(registry.publish(alpha, publishRequest("dies"))).rejects.toThrow("fault");
    store.revive();
    const fresh = test.reopen();
    const missing = { code: "adapter_not_found" };
    await expect(fresh.resolve(alpha, { name: router, version: 1 })).rejects.toMatchObject(missing);
    await expect(fresh.listVersions(alpha, router)).rejects.toMatchObject(missing);
    expect((await fresh.listAdapters(alpha)).adapters).toEqual([]);
    expect((await fresh.publish(alpha, publishRequest("lives"))).version).toBe(2);
  });
});

describe("a publish whose replies are lost", () => {
  it.each<WriteFault>(["after", "refused"])(
    "(%s the write) knows its own conditional writes, and makes one version with the first number",
    async (fault) => {
      // Layout, usage, claim, publication, audit, manifest and state are read back; a blob's loss is told.
      for (const write of [0, 1, 2, 5, 6, 7, 8, 9, 10]) {
        const attempt = createTestRegistry();
        attempt.store.faults.set(write, fault);
        const published = await attempt.registry.publish(alpha, publishRequest("x", { idempotencyKey: "j" }));
        expect(published.version).toBe(1);
        expect(attempt.store.writes).toBe(11);
        const { versions } = await attempt.reopen().listVersions(alpha, router);
        expect(versions).toMatchObject([{ version: 1, aliases: ["production"] }]);
      }
    },
  );
});

describe("a publish whose write is refused though nothing stands against it", () => {
  const request = publishRequest("x", { idempotencyKey: "job-1" });

  it("fails as what may be tried again, or is whole; its retry makes one version", async () => {
    for (let write = 0; write < 9; write += 1) {
      const attempt = createTestRegistry();
      attempt.store.faults.set(write, "conflict");
      const published = await attempt.registry.publish(alpha, request).catch((error: unknown) => error);
      if (published instanceof Error) expect(published).toMatchObject({ code: "store_unreachable" });
      await expectWhole(attempt.reopen(), alpha);
      await attempt.reopen().publish(alpha, request);
      expect((await attempt.reopen().listVersions(alpha, router)).versions).toHaveLength(1);
      await expectWhole(attempt.reopen(), alpha);
    }
  });
});

/** What a reader sees of the tenant is whole: every version has its files, every alias its version. */
async function expectWhole(reader: Registry, tenant: TenantId): Promise<void> {
  for (const { name, aliases } of (await reader.listAdapters(tenant)).adapters) {
    const { versions } = await reader.listVersions(tenant, parseAdapterName(name));
    for (const { version } of versions) {
      const { manifest } = await reader.resolve(tenant, { name: parseAdapterName(name), version });
      const { config, weights } = await reader.readFiles(tenant, manifest);
      expect(decode(weights)).toBe(decode(config).replace("config", "weights"));
    }
    for (const [alias, version] of Object.entries(aliases)) {
      const resolved = await reader.resolve(tenant, { name: parseAdapterName(name), alias });
      expect(resolved.version).toBe(version);
    }
  }
}
