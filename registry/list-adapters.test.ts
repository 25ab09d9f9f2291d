import { beforeEach, expect, it } from "vitest";
import { stateKey } from "./layout.ts";
import { ADAPTERS_SEARCHED_PER_PAGE_MAX, LISTED_LABELS_BYTES_MAX } from "./limits.ts";
import { type AdaptersPage, parseAdapterName, type Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
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

const named = (name: string, manifest: object = {}) => {
  const request = publishRequest(name, { name: parseAdapterName(name) });
  return { ...request, manifest: { ...request.manifest, ...manifest } };
};

async function allNames(page: AdaptersPage = {}): Promise<string[]> {
  const names: string[] = [];
  for (let after = page.after; ; ) {
    const found = await registry.listAdapters(alpha, { ...page, ...(after !== undefined && { after }) });
    names.push(...found.adapters.map(({ name }) => name));
    if (found.next === undefined) return names;
    after = found.next;
  }
}

it("shows a tenant its adapters by name, with latest version and aliases, and no one else's", async () => {
  for (const name of ["b-b", "b", "a.a"]) await registry.publish(alpha, named(name));
  await registry.publish(alpha, publishRequest("b2", { name: parseAdapterName("b"), alias: "canary" }));
  await registry.publish(beta, publishRequest("x"));
  const { adapters, next } = await registry.listAdapters(alpha);
  expect(next).toBeUndefined();
  expect(adapters).toMatchObject([
    { name: "a.a", latestVersion: 1, aliases: { production: 1 } },
    { name: "b-b", latestVersion: 1, aliases: { production: 1 } },
    { name: "b", latestVersion: 2, aliases: { production: 1, canary: 2 } },
  ]);
});

it("says of each what its newest version is, with the figures of its report", async () => {
  const report = { heldOut: { accuracy: 0.9, macroF1: 0.8, ece: 1 }, validation: { accuracy: 0.1 } };
  const { digest } = await registry.publish(alpha, named("a", { report }));
  await registry.publish(alpha, named("b", { report: { validation: { accuracy: 0.7, macroF1: "x" } } }));
  const { adapters } = await registry.listAdapters(alpha);
  expect(adapters[0]).toEqual({
    ...{ name: "a", latestVersion: 1, aliases: { production: 1 }, digest },
    createdAt: "2026-01-01T00:00:00.000Z",
    backbone: { id: "tiny", digest: `sha256:${"a".repeat(64)}` },
    ...{ labels: ["no", "yes"], labelCount: 2, rows: 8 },
    metrics: { on: "heldOut", accuracy: 0.9, macroF1: 0.8 },
  });
  expect(adapters[1]?.metrics).toEqual({ on: "validation", accuracy: 0.7 });
});

it("a page costs one listing, and one read for each adapter, however many versions they have", async () => {
  for (const name of ["a", "b", "c"]) {
    for (let version = 0; version < 4; version += 1) await registry.publish(alpha, named(name));
  }
  test.store.calls.length = 0;
  await test.reopen().listAdapters(alpha, { limit: 2 });
  expect(test.store.calls.toSorted()).toEqual([
    `get ${stateKey({ tenant: alpha, name: parseAdapterName("a") })}`,
    `get ${stateKey({ tenant: alpha, name: parseAdapterName("b") })}`,
    "list tenants/alpha/adapters/",
  ]);
});

it("the latest version is the newest that is not deleted, whatever alias was moved", async () => {
  const latest = async () => (await registry.listAdapters(alpha)).adapters[0]?.latestVersion;
  for (const text of ["one", "two", "three"]) {
    await registry.publish(alpha, publishRequest(text, { alias: text }));
  }
  await registry.setAlias(alpha, router, { alias: "three", version: 1 });
  expect(await latest()).toBe(3);
  await registry.deleteVersion(alpha, router, { version: 3 });
  expect(await latest()).toBe(2);
  await registry.restoreVersion(alpha, router, { version: 3 });
  expect(await latest()).toBe(3);
  await registry.deleteAdapter(alpha, router);
  expect(await latest()).toBeUndefined();
  await registry.restoreAdapter(alpha, router);
  expect(await latest()).toBe(3);
});

it("an adapter whose state says nothing of its versions, or that has no state, is read from its manifests", async () => {
  await registry.publish(alpha, publishRequest("one"));
  const key = stateKey({ tenant: alpha, name: router });
  const state = JSON.parse(new TextDecoder().decode((await test.store.get(key))?.bytes));
  await test.store.put(key, new TextEncoder().encode(JSON.stringify({ ...state, latest: undefined })));
  const listed = async () => (await test.reopen().listAdapters(alpha)).adapters;
  expect(await listed()).toMatchObject([{ name: "router", latestVersion: 1, aliases: { production: 1 } }]);
  await test.store.delete(key);
  expect(await listed()).toMatchObject([{ name: "router", latestVersion: 1, aliases: {} }]);
});

it("pages give each adapter once, also of a search", async () => {
  const names = ["a", "a-b", "a.b", "a0", "b"];
  for (const name of names) await registry.publish(alpha, named(name));
  for (const limit of [1, 2, 3, 5]) {
    expect((await allNames({ limit })).sort()).toEqual(names);
    expect((await allNames({ limit, label: "yes" })).sort()).toEqual(names);
    expect((await allNames({ limit, prefix: "a" })).sort()).toEqual(names.slice(0, -1));
  }
  expect(await allNames({ prefix: "a", after: "a.b" })).toEqual(["a", "a0"]);
});

it("a search by label and backbone finds what the newest version has, and no one else's", async () => {
  await registry.publish(alpha, named("old", { labels: ["no", "spam"] }));
  await registry.publish(alpha, named("old"));
  await registry.publish(alpha, named("new", { labels: ["no", "spam"] }));
  await registry.publish(alpha, named("other", { backbone: { ...named("x").manifest.backbone, id: "big" } }));
  await registry.publish(beta, named("foreign", { labels: ["no", "spam"] }));
  expect(await allNames({ label: "spam" })).toEqual(["new"]);
  expect(await allNames({ backbone: "big" })).toEqual(["other"]);
  expect(await allNames({ backbone: "tiny", prefix: "o" })).toEqual(["old"]);
  expect(await allNames({ label: "spam", backbone: "big" })).toEqual([]);
});

it("of more labels than a state holds the first are listed, and each is found", async () => {
  const labels = Array.from({ length: 400 }, (_, index) => `${"x".repeat(90)}${index}`);
  await registry.publish(alpha, named("wide", { labels }));
  const [summary] = (await registry.listAdapters(alpha, { label: labels.at(-1) ?? "" })).adapters;
  expect(summary?.labelCount).toBe(400);
  expect(JSON.stringify(summary?.labels).length).toBeLessThanOrEqual(LISTED_LABELS_BYTES_MAX + 2);
  expect(await allNames({ label: "x" })).toEqual([]);
});

it("a search that finds little ends a page early, with a next", async () => {
  for (let count = 0; count < ADAPTERS_SEARCHED_PER_PAGE_MAX; count += 1) {
    await test.store.put(
      `tenants/alpha/adapters/a${String(count).padStart(4, "0")}/claims/1.json`,
      new Uint8Array(),
    );
  }
  await registry.publish(alpha, named("b", { labels: ["no", "spam"] }));
  const { adapters, next } = await registry.listAdapters(alpha, { label: "spam", limit: 200 });
  expect([adapters, next]).toEqual([[], "a0999"]);
  expect(await allNames({ label: "spam", limit: 200 })).toEqual(["b"]);
}, 20_000);

it.each(["../beta/adapters", "", "a/"])("refuses to begin after %j", async (after) => {
  await expect(registry.listAdapters(alpha, { after })).rejects.toMatchObject({ code: "invalid_name" });
});

it.each(["../beta", "a/", "A", ".."])("refuses the prefix %j", async (prefix) => {
  await expect(registry.listAdapters(alpha, { prefix })).rejects.toMatchObject({ code: "invalid_name" });
});
