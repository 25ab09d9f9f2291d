import { describe, expect, it } from "vitest";
import { KeyUses } from "../key-uses.ts";
import { blobKey, claimKey, manifestKey, markKeyOf, stateKey } from "../layout.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import { listAll } from "../list-all.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { createSigningKey } from "../signing/signing-key.ts";
import {
  alpha,
  createTestRegistry,
  decode,
  dump,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "../test-registry.ts";
import { checkStore } from "./check-store.ts";
import type { Finding } from "./findings.ts";

const owner = { tenant: alpha, name: router };
const HOUR_MS = 60 * 60 * 1000;

/** Two versions, a dataset, figures on it, keys, and more changes than one segment holds; all old. */
async function makeStore() {
  const made = createTestRegistry();
  const { registry, clock } = made;
  await registry.publish(alpha, publishRequest("one", { idempotencyKey: "job-1" }));
  await registry.publish(alpha, publishRequest("two"));
  for (let change = 0; change < 2 * HISTORY_SEGMENT_CHANGES; change += 1) {
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (change % 2) });
  }
  const { id: datasetId } = await registry.putDataset(alpha, {
    ...{ bytes: encode("text,label\na,b\n"), rows: 1, labels: ["b"], fileName: "a.csv" },
    ...{ mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });
  await registry.recordEvaluation(alpha, router, {
    ...{ version: 1, datasetId, rows: 1, accuracy: 1, macroF1: 1, precision: "int8", softgate: "0.0.0" },
  });
  await registry.addSigningKey(alpha, { publicKey: createSigningKey().publicKey, name: "for a test" });
  await registry.createTenant(alpha);
  const { record } = await registry.createKey(alpha, "for a test");
  await noteUse(made, record.id);
  clock.nowMs += 2 * HOUR_MS;
  return made;
}

async function noteUse({ store, clock }: TestRegistry, keyId: string): Promise<void> {
  const uses = new KeyUses({ store, now: () => new Date(clock.nowMs) });
  uses.note(keyId);
  await uses.close();
}

async function check(store: ObjectStore, options: Parameters<typeof checkStore>[1] = {}) {
  const findings: Finding[] = [];
  const result = await checkStore(store, { ...options, onFinding: (finding) => findings.push(finding) });
  expect(result.found).toBe(findings.length);
  return { result, findings, found: findings.map(({ code, key }) => `${code} ${key}`) };
}

async function keyOf(store: ObjectStore, part: string): Promise<string> {
  const { keys } = await listAll(store, { prefix: "" });
  return keys.find((key) => key.includes(part)) ?? `nothing like ${part}`;
}

describe("a check of a store", () => {
  it("finds nothing in one that Softgate wrote, changes nothing, and has looked at every object", async () => {
    const { store } = await makeStore();
    const before = await dump(store);
    const { result, found } = await check(store, { repair: true });
    expect(found).toEqual([]);
    expect(result.objects).toBe(before.size);
    expect(await dump(store)).toEqual(before);
  });

  it("names every object that is gone, or was changed, with what it is", async () => {
    for (const [part, code] of [
      ["keys/", "record_damaged"],
      ["key-uses/", "record_damaged"],
      ["/tenant.json", "record_damaged"],
      ["/datasets/", "record_damaged"],
      ["/claims/", "record_damaged"],
      ["/publications/", "record_damaged"],
      ["/audit/", "record_damaged"],
      ["/state.json", "record_damaged"],
      ["/history/", "record_damaged"],
      ["/evaluations/", "record_damaged"],
      ["/signing.json", "record_damaged"],
      ["layout.json", "record_damaged"],
      ["/manifests/", "manifest_damaged"],
      ["/blobs/", "blob_damaged"],
    ] as const) {
      const { store } = await makeStore();
      const key = await keyOf(store, part);
      await store.put(key, encode("{"));
      expect((await check(store)).found).toContain(`${code} ${key}`);
    }
  });

  it("a file whose blob is gone, or has another size, is told by the manifest that names it", async () => {
    const { store, registry } = await makeStore();
    const { manifest } = await registry.resolve(alpha, { name: router, version: 2 });
    const [config, weights] = manifest.files.map(({ digest }) => digest.replace("sha256:", ""));
    await store.delete(await keyOf(store, `blobs/sha256/${config}`));
    await store.put(await keyOf(store, `blobs/sha256/${weights}`), encode("x"));
    const { findings } = await check(store);
    expect(findings.map(({ code, key }) => [code, key])).toEqual([
      ["blob_missing", manifestKey(owner, 2)],
      ["blob_size_wrong", manifestKey(owner, 2)],
      ["blob_damaged", await keyOf(store, `blobs/sha256/${weights}`)],
    ]);
    expect(findings[0]?.detail).toContain(config);
  });

  it("an alias without its manifest, a gap in the history, and a missing entry of the audit are found", async () => {
    const { store } = await makeStore();
    await store.delete(manifestKey(owner, 2));
    const segment = await keyOf(store, "/history/00000001");
    await store.delete(segment);
    const state = JSON.parse(decode((await store.get(stateKey(owner)))?.bytes));
    const audit = await keyOf(store, state.log.at(-1).id);
    await store.delete(audit);
    const { found } = await check(store);
    expect(found).toContain(`alias_broken ${stateKey(owner)}`);
    expect(found).toContain(`history_gap ${segment}`);
    expect(found).toContain(`audit_missing ${stateKey(owner)}`);
    await check(store, { repair: true });
    expect(await keyOf(store, state.log.at(-1).id)).toBe(audit);
    expect((await check(store)).found).not.toContain(`audit_missing ${stateKey(owner)}`);
  });

  it("what died publishes and checks left is repaired once it is old, and a number is not freed", async () => {
    const { store, clock } = await makeStore();
    const claim = encode(JSON.stringify({ nonce: "n", at: new Date(0).toISOString() }));
    await store.put(claimKey(owner, 3), claim);
    await store.put(claimKey(owner, 4), claim);
    await store.put("probes/left", new Uint8Array());
    expect((await check(store)).found).toEqual([]);
    clock.nowMs += 2 * HOUR_MS;
    const left = ["probe_left probes/left", `claim_unused ${claimKey(owner, 3)}`];
    expect((await check(store)).found).toEqual(left);
    const { result } = await check(store, { repair: true });
    expect(result).toMatchObject({ found: 2, repaired: 2 });
    expect((await check(store)).found).toEqual([]);
    expect(await store.get(claimKey(owner, 4))).toBeDefined();
  });

  it("figures of a version that is gone are left over, and removed", async () => {
    const { store } = await makeStore();
    await store.delete(manifestKey(owner, 1));
    const key = await keyOf(store, "/evaluations/");
    expect((await check(store)).found).toContain(`evaluation_left ${key}`);
    await check(store, { repair: true });
    expect(await store.get(key)).toBeUndefined();
  });

  it("a number without a claim is claimed again", async () => {
    const { store, registry } = await makeStore();
    await store.delete(claimKey(owner, 2));
    expect((await check(store, { repair: true })).found).toEqual([`claim_missing ${manifestKey(owner, 2)}`]);
    expect((await registry.publish(alpha, publishRequest("three"))).version).toBe(3);
  });

  it("blobs that nothing names and objects of other names are told, and never removed", async () => {
    const { store, clock } = await makeStore();
    const blob = `tenants/alpha/blobs/sha256/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`;
    await store.put(blob, encode("foo"));
    await store.put("tenants/alpha/notes.txt", encode("mine"));
    await store.put("tenants/UPPER/adapters/a/state.json", encode("{}"));
    clock.nowMs += 2 * HOUR_MS;
    const { found } = await check(store, { repair: true });
    expect(found).toEqual([
      "unknown_object tenants/UPPER/adapters/a/state.json",
      "unknown_object tenants/alpha/notes.txt",
      `blob_unnamed ${blob}`,
    ]);
    expect(await store.get(blob)).toBeDefined();
  });

  it("the mark of a blob is a finding where it is damaged, or its blob is gone; both are repaired, no blob is removed", async () => {
    const { store, registry, clock } = await makeStore();
    const { manifest } = await registry.resolve(alpha, { name: router, version: 2 });
    const [config = "", weights = ""] = manifest.files.map((file) => blobKey(alpha, file));
    const mark = encode(JSON.stringify({ state: "collecting", nonce: "n" }));
    const gone = markKeyOf(blobKey(alpha, { digest: `sha256:${"0".repeat(64)}`, copy: "0".repeat(32) }));
    await store.put(gone, mark);
    await store.put(markKeyOf(config), encode("{"));
    await store.put(markKeyOf(weights), encode(JSON.stringify({ state: "marked", nonce: "n" })));
    expect((await check(store)).found).toEqual([`record_damaged ${markKeyOf(config)}`]);
    clock.nowMs += 2 * HOUR_MS;
    const { found, result } = await check(store, { repair: true });
    expect(found.toSorted()).toEqual(
      [`garbage_mark_left ${gone}`, `record_damaged ${markKeyOf(config)}`].toSorted(),
    );
    expect(result.repaired).toBe(2);
    expect((await check(store)).found).toEqual([]);
    for (let run = 0; run < 3; run += 1) {
      clock.nowMs += 25 * HOUR_MS;
      await registry.collectGarbage(alpha);
    }
    await registry.readFiles(alpha, manifest);
  });

  it("of one tenant it reads no other's objects", async () => {
    const { store } = await makeStore();
    store.revive();
    await check(store, { tenant: alpha });
    const read = store.calls.filter((call) => call.startsWith("get ")).map((call) => call.slice(4));
    expect(read.filter((key) => !key.startsWith("tenants/alpha/"))).toEqual([]);
  });
});
