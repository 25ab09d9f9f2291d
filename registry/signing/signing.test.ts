import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createRegistry } from "../create-registry.ts";
import { blobKey, manifestKey, signingRecordKey, stateKey } from "../layout.ts";
import { ALIAS_STALE_MS_MAX, SIGNING_KEYS_PER_TENANT_MAX, SIGNING_STALE_MS_MAX } from "../limits.ts";
import { publishPackage } from "../package.ts";
import type { PublishRequest, Registry } from "../registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  dump,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "../test-registry.ts";
import { createSigner, createSigningKey } from "./signing-key.ts";

const owner = { tenant: alpha, name: router };
const production = { name: router, alias: "production" };
const ours = createSigningKey();
const theirs = createSigningKey();
const signer = createSigner(ours.privatePem);
const stranger = createSigner(theirs.privatePem);

let test: TestRegistry;
let registry: Registry;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry } = test);
  await registry.addSigningKey(alpha, { publicKey: ours.publicPem, name: "ours" });
});

const requireAll = () => registry.requireSignatures(alpha, true);
const signed = (text: string, overrides: Partial<PublishRequest> = {}) =>
  registry.publish(alpha, publishRequest(text, { signer, ...overrides }));
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: { code?: string }) => error.code,
  );

describe("where signatures are required", () => {
  it("what is signed with a key of the tenant is published, promoted, resolved and read", async () => {
    await requireAll();
    const { version, manifest } = await signed("one");
    expect(manifest.signature?.keyId).toBe(ours.id);
    const resolved = await test.reopen().resolve(alpha, production);
    expect(resolved.version).toBe(version);
    expect(await registry.readFiles(alpha, resolved.manifest)).toEqual(publishRequest("one").files);
    expect((await registry.listVersions(alpha, router)).versions).toMatchObject([{ signedBy: ours.id }]);
  });

  it.each([
    ["nothing", undefined, "signature_required"],
    ["a key that is not the tenant's", stranger, "signature_invalid"],
  ])("what is signed with %s is refused before anything is written, or learned", async (_, by, code) => {
    await requireAll();
    const before = await dump(test.store);
    const request = publishRequest("one", by && { signer: by });
    expect(await codeOf(registry.publish(alpha, request))).toBe(code);
    expect(await codeOf(registry.requirePublishable(alpha, router, by))).toBe(code);
    expect(await dump(test.store)).toEqual(before);
    expect(await codeOf(registry.requirePublishable(alpha, router, signer))).toBe("done");
  });

  it("a version from before that is not signed is not answered, moved to, or rolled back to", async () => {
    await registry.publish(alpha, publishRequest("unsigned"));
    await signed("two");
    await requireAll();
    const refused = {
      code: "signature_required",
      publicMessage: expect.stringContaining("Version 1 of router"),
    };
    await expect(registry.resolve(alpha, { name: router, version: 1 })).rejects.toMatchObject(refused);
    const move = { alias: "production", version: 1, force: true, why: "all the same" };
    await expect(registry.setAlias(alpha, router, move)).rejects.toMatchObject(refused);
    await expect(registry.rollback(alpha, router, { alias: "production" })).rejects.toMatchObject(refused);
    expect((await registry.resolve(alpha, production)).version).toBe(2);
    await registry.requireSignatures(alpha, false);
    expect((await registry.rollback(alpha, router, { alias: "production" })).version).toBe(1);
  });

  it("another tenant's versions need none", async () => {
    await requireAll();
    await registry.publish(beta, publishRequest("one"));
    expect((await registry.resolve(beta, production)).version).toBe(1);
  });

  it("a version is of its tenant and its name alone: copied to another's place it is refused", async () => {
    await registry.addSigningKey(beta, { publicKey: ours.publicKey, name: "the same" });
    const { manifest } = await signed("one");
    for (const tenant of [alpha, beta]) await registry.requireSignatures(tenant, true);
    await registry.publish(beta, publishRequest("other", { signer }));
    const bytes = (await test.store.get(manifestKey(owner, 1)))?.bytes ?? encode("");
    await test.store.put(manifestKey({ ...owner, tenant: beta }, 1), bytes);
    for (const file of manifest.files) {
      const content = (await test.store.get(blobKey(alpha, file)))?.bytes ?? bytes;
      await test.store.put(blobKey(beta, file), content);
    }
    expect(await codeOf(test.reopen().resolve(beta, production))).toBe("signature_invalid");
    expect(await codeOf(test.reopen().resolve(alpha, production))).toBe("done");
  });

  it("an import is signed by who imports: the signature of what it was is not its own", async () => {
    const resolved = await signed("one");
    const files = await registry.readPackage(alpha, { resolved, softgateVersion: "0.0.0" });
    await requireAll();
    expect(await codeOf(publishPackage(registry, alpha, { name: router, files }))).toBe("signature_required");
    const imported = await publishPackage(registry, alpha, { name: router, files, signer });
    expect(imported.manifest).toMatchObject({ origin: { version: 1 }, signature: { keyId: ours.id } });
    const elsewhere = await publishPackage(registry, beta, { name: router, files });
    expect(elsewhere.manifest).not.toHaveProperty("signature");
  });

  it("what an earlier call wrote unsigned is not promoted by a repetition that would sign", async () => {
    const unsigned = publishRequest("one", { idempotencyKey: "job-1" });
    const { version } = await registry.publish(alpha, unsigned);
    await registry.publish(alpha, publishRequest("two", { signer }));
    await requireAll();
    expect(await codeOf(signed("one", { idempotencyKey: "job-1" }))).toBe("signature_required");
    expect(version).toBe(1);
  });
});

describe("a revoked key", () => {
  it("is refused at once by publishes and moves, and by requests of all servers within the stated time", async () => {
    await signed("one");
    await signed("two");
    await requireAll();
    const server = test.reopen();
    const answer = () => codeOf(server.resolve(alpha, production));
    expect(await answer()).toBe("done");
    await registry.revokeSigningKey(alpha, ours.id);
    expect(await codeOf(signed("three"))).toBe("signature_invalid");
    for (const changing of [
      server.setAlias(alpha, router, { alias: "production", version: 1 }),
      server.rollback(alpha, router, { alias: "production" }),
    ]) {
      await expect(changing).rejects.toMatchObject({
        code: "signature_invalid",
        publicMessage: expect.stringContaining("was revoked"),
      });
    }
    expect(await answer()).toBe("done");
    test.clock.nowMs += SIGNING_STALE_MS_MAX;
    expect(await answer()).toBe("signature_invalid");
  });

  it("that is added again is valid again", async () => {
    await signed("one");
    await requireAll();
    await registry.revokeSigningKey(alpha, ours.id);
    expect(await codeOf(registry.resolve(alpha, production))).toBe("signature_invalid");
    await registry.addSigningKey(alpha, { publicKey: ours.publicKey, name: "again" });
    expect(await codeOf(registry.resolve(alpha, production))).toBe("done");
  });
});

it("asks the store for a tenant's keys once in the stated time, also where there are none", async () => {
  await registry.publish(beta, publishRequest("one"));
  await signed("one");
  const server = test.reopen();
  for (const tenant of [alpha, beta]) await server.resolve(tenant, production);
  test.store.calls.length = 0;
  for (let waitedMs = 0; waitedMs < SIGNING_STALE_MS_MAX / 2; waitedMs += ALIAS_STALE_MS_MAX) {
    for (const tenant of [alpha, beta]) await server.resolve(tenant, production);
    test.clock.nowMs += ALIAS_STALE_MS_MAX;
  }
  expect(test.store.calls.filter((call) => call.endsWith("signing.json"))).toEqual([]);
});

describe("what was changed in the store after it was signed is refused:", () => {
  /** What a process that has read nothing yet does for a request. */
  async function load() {
    const server = test.reopen();
    const { manifest } = await server.resolve(alpha, production);
    await server.readFiles(alpha, manifest);
  }

  const refusals = new Set(["signature_required", "signature_invalid", "invalid_manifest", "blob_corrupt"]);

  it("whatever byte of manifest, configuration or weights is another", async () => {
    const { manifest } = await signed("one", {
      manifest: { ...publishRequest("one").manifest, report: { figure: 0.30000000000000004, text: "é" } },
    });
    await requireAll();
    const blobs = manifest.files.map((file) => blobKey(alpha, file));
    for (const key of [manifestKey(owner, 1), ...blobs]) {
      const bytes = (await test.store.get(key))?.bytes ?? encode("");
      const flip = fc.record({ at: fc.nat(bytes.byteLength - 1), mask: fc.integer({ min: 1, max: 255 }) });
      await fc.assert(
        fc.asyncProperty(flip, async ({ at, mask }) => {
          const changed = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ mask : byte));
          await test.store.put(key, changed);
          expect(refusals).toContain(await codeOf(load()));
        }),
        { numRuns: 150 },
      );
      await test.store.put(key, bytes);
    }
    expect(await codeOf(load())).toBe("done");
  });

  it("and a manifest whose digits say more than a number holds, though it means the same", async () => {
    await signed("one", {
      manifest: { ...publishRequest("one").manifest, report: { figure: 0.30000000000000004 } },
    });
    const text = Buffer.from((await test.store.get(manifestKey(owner, 1)))?.bytes ?? []).toString();
    const other = text.replace("0.30000000000000004", "0.30000000000000003");
    expect(JSON.parse(other)).toEqual(JSON.parse(text));
    await test.store.put(manifestKey(owner, 1), encode(other));
    expect(await codeOf(test.reopen().resolve(alpha, production))).toBe("invalid_manifest");
  });

  it("by each other file of a version that was signed as well", async () => {
    const one = await signed("one");
    const two = await signed("two");
    await requireAll();
    const [config] = two.manifest.files;
    const [, weights] = one.manifest.files;
    const swapped = { ...two.manifest, files: [config, weights] };
    await test.store.put(manifestKey(owner, 2), encode(JSON.stringify(swapped)));
    expect(await codeOf(load())).toBe("signature_invalid");
  });

  it("a manifest without its signature", async () => {
    const { manifest } = await signed("one");
    await requireAll();
    const { signature, ...bare } = manifest;
    await test.store.put(manifestKey(owner, 1), encode(JSON.stringify(bare)));
    expect(await codeOf(load())).toBe("signature_required");
  });
});

describe("a tenant's signing keys", () => {
  it("are added, revoked and required by operators, each in the audit, and once when asked twice", async () => {
    const actor = { id: "cli" };
    await registry.addSigningKey(alpha, { publicKey: ours.publicKey, name: "again" }, actor);
    for (const _ of [1, 2]) await registry.requireSignatures(alpha, true, actor);
    for (const _ of [1, 2]) await registry.revokeSigningKey(alpha, ours.id, actor);
    expect(await registry.getSigning(alpha)).toMatchObject({
      required: true,
      keys: [{ id: ours.id, name: "ours", revokedAt: "2026-01-01T00:00:00.000Z" }],
    });
    const { entries } = await registry.listAudit(alpha);
    expect(entries.map(({ action }) => action).sort()).toEqual([
      "add_signing_key",
      "require_signatures",
      "revoke_signing_key",
    ]);
    expect(entries).toContainEqual(expect.objectContaining({ action: "require_signatures", required: true }));
    expect(await registry.getSigning(beta)).toEqual({ required: false, keys: [] });
  });

  it("cannot be required while none is valid, and one that is not there cannot be revoked", async () => {
    await registry.revokeSigningKey(alpha, ours.id);
    await expect(requireAll()).rejects.toMatchObject({ code: "conflict" });
    await expect(registry.revokeSigningKey(alpha, theirs.id)).rejects.toMatchObject({ code: "invalid_key" });
    await expect(registry.revokeSigningKey(beta, ours.id)).rejects.toMatchObject({ code: "invalid_key" });
  });

  it("of many changes at once none is lost", async () => {
    const keys = Array.from({ length: 12 }, createSigningKey);
    const processes = [registry, test.reopen()];
    await Promise.all(
      keys.map(({ publicKey }, index) =>
        processes[index % 2]?.addSigningKey(alpha, { publicKey, name: String(index) }),
      ),
    );
    const known = (await registry.getSigning(alpha)).keys.map(({ id }) => id);
    expect(new Set(known)).toEqual(new Set([ours.id, ...keys.map(({ id }) => id)]));
  });

  it("have a limit, at which those revoked first make room, and no other", async () => {
    const add = () => registry.addSigningKey(alpha, { publicKey: createSigningKey().publicKey, name: "" });
    for (let count = 1; count < SIGNING_KEYS_PER_TENANT_MAX; count += 1) await add();
    await expect(add()).rejects.toMatchObject({ code: "limit_exceeded" });
    const [, , third] = (await registry.getSigning(alpha)).keys;
    for (const id of [third?.id ?? "", ours.id]) {
      await registry.revokeSigningKey(alpha, id);
      test.clock.nowMs += 1_000;
    }
    await add();
    const { keys } = await registry.getSigning(alpha);
    expect(keys).toHaveLength(SIGNING_KEYS_PER_TENANT_MAX);
    expect(keys.map(({ id }) => id)).not.toContain(third?.id);
    expect(keys.map(({ id }) => id)).toContain(ours.id);
  });

  it("that cannot be read are trusted in nothing", async () => {
    await signed("one");
    await requireAll();
    await test.store.put(signingRecordKey(alpha), encode("{"));
    expect(await codeOf(test.reopen().resolve(alpha, production))).toBe("blob_corrupt");
    expect((await test.store.get(stateKey(owner)))?.bytes).toBeDefined();
  });
});

it("a version that is not signed is not loaded ahead of a move that is refused", async () => {
  const loaded: number[] = [];
  await registry.publish(alpha, publishRequest("unsigned", { alias: "canary" }));
  await signed("two");
  await requireAll();
  const server = createRegistry({
    store: test.store,
    now: () => new Date(test.clock.nowMs),
    beforeSwitch: async (_tenant, { version }) => void loaded.push(version),
  });
  const move = (version: number) => codeOf(server.setAlias(alpha, router, { alias: "staging", version }));
  expect([await move(1), await move(2)]).toEqual(["signature_required", "done"]);
  expect(loaded).toEqual([2]);
});
