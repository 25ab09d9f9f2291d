import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as layout from "./layout.ts";
import { VERSION_MAX } from "./limits.ts";
import { checkKey } from "./object-store/check-object.ts";
import { parseAdapterName, parseTenantId } from "./registry.ts";
import { alpha, beta, createTestRegistry, dump, encode, publishRequest, router } from "./test-registry.ts";

const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/).filter((name) => !name.includes(".."));

describe("the layout", () => {
  it("keeps every key that a tenant owns under the tenant, and within what stores allow", () => {
    fc.assert(
      fc.property(
        names,
        names,
        fc.integer({ min: 1, max: VERSION_MAX }),
        (tenantName, adapterName, version) => {
          const tenant = parseTenantId(tenantName);
          const owner = { tenant, name: parseAdapterName(adapterName) };
          const digest = `sha256:${"0".repeat(64)}`;
          const keys = [
            layout.blobKey(tenant, { digest, copy: "0".repeat(32) }),
            layout.markKeyOf(layout.blobKey(tenant, { digest })),
            layout.datasetKey(tenant, "ds_0"),
            layout.claimKey(owner, version),
            layout.manifestKey(owner, version),
            layout.stateKey(owner),
            layout.evaluationKey(owner, version, "ds_0"),
            layout.feedbackKey(owner, `fb_${version}_${"0".repeat(45)}`),
            layout.signingRecordKey(tenant),
            layout.tenantRecordKey(tenant),
            layout.keyMarkKey(tenant, "0".repeat(64)),
            layout.historySegmentKey(owner, version),
            layout.auditKey(tenant, { id: "0".repeat(32), at: new Date(version).toISOString() }),
            layout.publicationKey(tenant, "../../any text\0"),
            layout.onceKey(tenant, "../../any text\0"),
          ];
          for (const key of keys) {
            checkKey(key);
            expect(key.startsWith(`tenants/${tenant}/`)).toBe(true);
          }
        },
      ),
    );
  });

  it("tells copies of a blob and their marks by their keys", () => {
    const copy = { digest: `sha256:${"0".repeat(64)}`, copy: "1".repeat(32) };
    for (const each of [copy, { digest: copy.digest }]) {
      const key = layout.blobKey(alpha, each);
      expect(layout.copyOfKey(key)).toEqual(each);
      expect(layout.copyOfKey(layout.markKeyOf(key))).toEqual(each);
      expect(layout.blobKeyOf(layout.markKeyOf(key))).toBe(key);
      expect(layout.describeKey(key)).toEqual({ kind: "blob", tenant: alpha, name: "" });
      expect(layout.describeKey(layout.markKeyOf(key))).toEqual({ kind: "mark", tenant: alpha, name: "" });
    }
  });

  it("lists versions newest first", () => {
    const owner = { tenant: alpha, name: router };
    const versions = [1, 2, 9, 10, 11, 99, 100, VERSION_MAX];
    for (const keyOf of [
      layout.manifestKey,
      (of: typeof owner, version: number) => layout.evaluationKey(of, version, "ds_0"),
    ]) {
      const keys = versions.map((version) => keyOf(owner, version));
      expect([...keys].sort().map(layout.versionOfKey)).toEqual(versions.toReversed());
    }
  });

  it("is all that is written: a store in use holds keys of the layout only", async () => {
    const { registry, store } = createTestRegistry();
    for (const tenant of [alpha, beta]) {
      await registry.publish(tenant, publishRequest("one", { idempotencyKey: "job-1" }));
      await registry.beginOnce(tenant, { key: "monday", requestDigest: "0" });
      await registry.createTenant(tenant);
      await registry.createKey(tenant, "test");
      const dataset = { bytes: encode("text,label"), rows: 1, labels: ["a"], fileName: "../a.csv" };
      await registry.putDataset(tenant, {
        ...dataset,
        mediaType: "text/csv",
        columns: { text: "text", label: "label" },
      });
    }
    const keys = [...(await dump(store)).keys()];
    expect(
      keys.filter((key) => !/^(layout\.json$|keys\/[0-9a-f]{64}\.json$|tenants\/(alpha|beta)\/)/.test(key)),
    ).toEqual([]);
    expect(keys.filter((key) => keys.some((other) => other.startsWith(`${key}/`)))).toEqual([]);
  });

  it("of a later Softgate is not written to", async () => {
    const { registry, store, reopen } = createTestRegistry();
    await store.put(layout.layoutKey, encode('{"layout":99}'));
    const refused = { code: "store_unsuitable", publicMessage: expect.stringContaining("layout 99") };
    await expect(registry.publish(alpha, publishRequest("one"))).rejects.toMatchObject(refused);
    await expect(reopen().createKey(alpha, "test")).rejects.toMatchObject(refused);
    expect([...(await dump(store)).keys()]).toEqual([layout.layoutKey]);
  });
});
