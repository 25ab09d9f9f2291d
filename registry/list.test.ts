import { beforeEach, describe, expect, it } from "vitest";
import { parseAdapterName, type Registry } from "./registry.ts";
import { alpha, beta, createTestRegistry, publishRequest, router } from "./test-registry.ts";

let registry: Registry;

beforeEach(() => {
  registry = createTestRegistry().registry;
});

describe("listAdapters", () => {
  it("shows a tenant its adapters by name, with latest version and aliases, and no one else's", async () => {
    for (const name of ["b-b", "b", "a.a"]) {
      await registry.publish(alpha, publishRequest(name, { name: parseAdapterName(name) }));
    }
    await registry.publish(alpha, publishRequest("b2", { name: parseAdapterName("b"), alias: "canary" }));
    await registry.publish(beta, publishRequest("x"));
    const { adapters, next } = await registry.listAdapters(alpha);
    expect(next).toBeUndefined();
    expect(adapters).toEqual([
      { name: "a.a", latestVersion: 1, aliases: { production: 1 } },
      { name: "b-b", latestVersion: 1, aliases: { production: 1 } },
      { name: "b", latestVersion: 2, aliases: { production: 1, canary: 2 } },
    ]);
  });

  it("pages give each adapter once", async () => {
    const names = ["a", "a-b", "a.b", "a0", "b"];
    for (const name of names) {
      await registry.publish(alpha, publishRequest(name, { name: parseAdapterName(name) }));
    }
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await registry.listAdapters(alpha, { limit: 2, ...(after !== undefined && { after }) });
      expect(page.adapters.length).toBeLessThanOrEqual(2);
      seen.push(...page.adapters.map(({ name }) => name));
      after = page.next;
    } while (after !== undefined);
    expect(seen.sort()).toEqual(names);
  });

  it.each(["../beta/adapters", "", "a/"])("refuses to begin after %j", async (after) => {
    await expect(registry.listAdapters(alpha, { after })).rejects.toMatchObject({ code: "invalid_name" });
  });
});

describe("listVersions", () => {
  it("shows what a version is, newest first, with the aliases that point at it", async () => {
    const first = await registry.publish(alpha, publishRequest("one"));
    await registry.publish(alpha, publishRequest("two"));
    await registry.setAlias(alpha, router, { alias: "a", version: 2 });
    const { versions, next } = await registry.listVersions(alpha, router);
    expect(next).toBeUndefined();
    expect(versions.map(({ version, aliases }) => [version, aliases])).toEqual([
      [2, ["a", "production"]],
      [1, []],
    ]);
    expect(versions[1]).toEqual({
      version: 1,
      digest: first.digest,
      createdAt: "2026-01-01T00:00:00.000Z",
      aliases: [],
      labels: ["no", "yes"],
      backbone: { id: "tiny", digest: `sha256:${"a".repeat(64)}` },
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
    });
  });

  it("pages give each version once, newest first", async () => {
    for (let count = 0; count < 12; count += 1) await registry.publish(alpha, publishRequest(`${count}`));
    const seen: number[] = [];
    let before: number | undefined;
    do {
      const page = await registry.listVersions(alpha, router, {
        limit: 5,
        ...(before !== undefined && { before }),
      });
      seen.push(...page.versions.map(({ version }) => version));
      before = page.next;
    } while (before !== undefined);
    expect(seen).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await registry.listVersions(alpha, router, { before: 1 })).toEqual({ versions: [] });
    const all = await registry.listVersions(alpha, router, { before: Number.MAX_SAFE_INTEGER });
    expect(all.versions).toHaveLength(12);
  });

  it("an adapter that is not there, or is another tenant's, is not found", async () => {
    await registry.publish(alpha, publishRequest("one"));
    const missing = { code: "adapter_not_found" };
    await expect(registry.listVersions(beta, router)).rejects.toMatchObject(missing);
    await expect(registry.listVersions(beta, router, { before: 5 })).rejects.toMatchObject(missing);
  });
});
