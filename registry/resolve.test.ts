import { beforeEach, describe, expect, it } from "vitest";
import { blobKey, manifestKey, stateKey } from "./layout.ts";
import { ALIAS_STALE_MS_MAX } from "./limits.ts";
import { parseAdapterName, type Registry } from "./registry.ts";
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

const owner = { tenant: alpha, name: router };
let test: TestRegistry;
let registry: Registry;
let store: FaultyStore;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry, store } = test);
  await registry.publish(alpha, publishRequest("one"));
});

describe("resolve", () => {
  it("another tenant's adapter fails, letter by letter, like one that never was", async () => {
    const messageOf = (reader: Registry, reference: Parameters<Registry["resolve"]>[1]) =>
      reader.resolve(beta, reference).then(
        () => "resolved",
        (error: { code: string; publicMessage: string }) => JSON.stringify([error.code, error.publicMessage]),
      );
    const empty = createTestRegistry().registry;
    for (const reference of [
      { name: router, alias: "production" },
      { name: router, version: 1 },
    ]) {
      expect(await messageOf(registry, reference)).toBe(await messageOf(empty, reference));
      expect(await messageOf(registry, reference)).toContain("adapter_not_found");
    }
  });

  it("an alias that is not there is told with those that are", async () => {
    await expect(registry.resolve(alpha, { name: router, alias: "canary" })).rejects.toMatchObject({
      code: "alias_not_found",
      publicMessage: expect.stringMatching(/has no alias canary \(it has: production\).*router:1/),
    });
  });

  it("a name that objects inherit is an alias like any other", async () => {
    await expect(registry.resolve(alpha, { name: router, alias: "constructor" })).rejects.toMatchObject({
      code: "alias_not_found",
    });
    await registry.setAlias(alpha, router, { alias: "constructor", version: 1 });
    expect((await registry.resolve(alpha, { name: router, alias: "constructor" })).version).toBe(1);
  });

  it("a version that is not there is told with the latest", async () => {
    await expect(registry.resolve(alpha, { name: router, version: 9 })).rejects.toMatchObject({
      code: "version_not_found",
      publicMessage: expect.stringContaining("latest is 1"),
    });
  });

  it("an alias whose version is gone says how to mend it", async () => {
    await store.delete(manifestKey(owner, 1));
    const reading = test.reopen().resolve(alpha, { name: router, alias: "production" });
    await expect(reading).rejects.toMatchObject({
      code: "version_not_found",
      publicMessage: expect.stringContaining("Set the alias to another version"),
    });
  });

  it("sees its own process's moves at once, and another's after a second at most", async () => {
    const other = test.reopen();
    const production = { name: router, alias: "production" };
    expect((await other.resolve(alpha, production)).version).toBe(1);
    await registry.publish(alpha, publishRequest("two"));
    expect((await registry.resolve(alpha, production)).version).toBe(2);
    test.clock.nowMs += ALIAS_STALE_MS_MAX;
    expect((await other.resolve(alpha, production)).version).toBe(2);
  });

  it("asks the store for nothing within that second, and once for many at once", async () => {
    const other = test.reopen();
    store.calls.length = 0;
    const production = { name: router, alias: "production" };
    await Promise.all(Array.from({ length: 5 }, () => other.resolve(alpha, production)));
    expect(store.calls.filter((call) => call === `get ${stateKey(owner)}`)).toHaveLength(1);
    store.calls.length = 0;
    await other.resolve(alpha, production);
    expect(store.calls).toEqual([]);
  });

  it.each([
    ["is no JSON", encode("{")],
    ["is no text", Uint8Array.of(0xff)],
    ["is another document", encode("{}")],
  ])("a stored manifest that %s is refused", async (_, bytes) => {
    await store.put(manifestKey(owner, 1), bytes);
    const reading = test.reopen().resolve(alpha, { name: router, version: 1 });
    await expect(reading).rejects.toMatchObject({ code: "invalid_manifest" });
  });

  it("a manifest that was put in another version's place is refused", async () => {
    const bytes = (await store.get(manifestKey(owner, 1)))?.bytes ?? encode("");
    await store.put(manifestKey(owner, 2), bytes);
    const reading = registry.resolve(alpha, { name: router, version: 2 });
    await expect(reading).rejects.toMatchObject({ code: "invalid_manifest" });
  });
});

describe("readFiles", () => {
  it("gives the bytes that were published", async () => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 1 });
    expect(await registry.readFiles(alpha, manifest)).toEqual(publishRequest("one").files);
  });

  it.each([
    ["changed", encode("weights of two")],
    ["cut off", encode("weights")],
    ["emptied", new Uint8Array()],
  ])("a blob that was %s is found out", async (_, bytes) => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 1 });
    await store.put(blobKey(alpha, manifest.files[1] ?? { digest: "" }), bytes);
    await expect(registry.readFiles(alpha, manifest)).rejects.toMatchObject({ code: "blob_corrupt" });
  });

  it("a blob that is gone is told as such, and another tenant's is not read", async () => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 1 });
    await expect(registry.readFiles(beta, manifest)).rejects.toMatchObject({ code: "blob_not_found" });
    await store.delete(blobKey(alpha, manifest.files[0] ?? { digest: "" }));
    await expect(registry.readFiles(alpha, manifest)).rejects.toMatchObject({ code: "blob_not_found" });
  });

  it("a manifest that does not name both files is refused", async () => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 1 });
    const files = manifest.files.slice(0, 1);
    await expect(registry.readFiles(alpha, { ...manifest, files })).rejects.toMatchObject({
      code: "invalid_manifest",
      publicMessage: expect.stringContaining("adapter_model.safetensors"),
    });
  });
});

describe("setAlias", () => {
  it("moves an alias forth and back, also to a version that was there before", async () => {
    await registry.publish(alpha, publishRequest("two"));
    for (const version of [1, 2, 1, 1]) {
      await registry.setAlias(alpha, router, { alias: "production", version });
      expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(version);
    }
  });

  it("points at nothing that is not there, and creates no adapter", async () => {
    const move = { alias: "production", version: 7 };
    await expect(registry.setAlias(alpha, router, move)).rejects.toMatchObject({ code: "version_not_found" });
    const missing = { code: "adapter_not_found" };
    await expect(registry.setAlias(beta, router, { ...move, version: 1 })).rejects.toMatchObject(missing);
    await expect(registry.setAlias(alpha, parseAdapterName("none"), move)).rejects.toMatchObject(missing);
    expect((await registry.listAdapters(beta)).adapters).toEqual([]);
  });

  it.each(["", "3", "../x", "A", "a/b"])("refuses %j as an alias", async (alias) => {
    const move = { alias, version: 1 };
    await expect(registry.setAlias(alpha, router, move)).rejects.toMatchObject({ code: "invalid_name" });
  });

  it("of many moves at once loses none: each alias ends where its move put it", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `alias-${index}`);
    const processes = [registry, test.reopen()];
    await Promise.all(
      names.map((alias, index) => processes[index % 2]?.setAlias(alpha, router, { alias, version: 1 })),
    );
    const [adapter] = (await test.reopen().listAdapters(alpha)).adapters;
    expect(Object.keys(adapter?.aliases ?? {}).sort()).toEqual([...names, "production"].sort());
  });

  it("keeps a hundred aliases of an adapter and refuses one more", async () => {
    for (let index = 1; index < 100; index += 1) {
      await registry.setAlias(alpha, router, { alias: `alias-${index}`, version: 1 });
    }
    const move = { alias: "one-more", version: 1 };
    await expect(registry.setAlias(alpha, router, move)).rejects.toMatchObject({ code: "limit_exceeded" });
    await registry.setAlias(alpha, router, { alias: "alias-7", version: 1 });
  });
});
