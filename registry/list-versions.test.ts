import { beforeEach, describe, expect, it } from "vitest";
import type { Registry } from "./registry.ts";
import { alpha, beta, createTestRegistry, publishRequest, router } from "./test-registry.ts";

let registry: Registry;

beforeEach(() => {
  registry = createTestRegistry().registry;
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
