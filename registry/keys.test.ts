import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { allows, KEY_SCOPES } from "./key-record.ts";
import { KEY_REFRESH_MS, KEY_STALE_MS_MAX, KEYS_PER_TENANT_MAX } from "./limits.ts";
import { alpha, beta, createTestRegistry, dump, type TestRegistry } from "./test-registry.ts";

let test: TestRegistry;

beforeEach(() => {
  test = createTestRegistry();
});

describe("API keys", () => {
  it("speak for the tenant they were made for", async () => {
    const first = await test.registry.createKey(alpha, "laptop");
    const second = await test.registry.createKey(beta, "server");
    expect(await test.registry.authenticate(first.secret)).toEqual({
      tenant: "alpha",
      keyId: first.record.id,
      scopes: KEY_SCOPES,
    });
    expect(await test.reopen().authenticate(second.secret)).toEqual({
      tenant: "beta",
      keyId: second.record.id,
      scopes: KEY_SCOPES,
    });
  });

  it("have a form that secret scanners can match, and are all different", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => test.registry.createKey(alpha, "x")));
    for (const { secret } of keys) expect(secret).toMatch(/^sg_[A-Za-z0-9_-]{46}$/);
    expect(new Set(keys.map(({ secret }) => secret)).size).toBe(20);
    expect(new Set(keys.map(({ record }) => record.id)).size).toBe(20);
  });

  it("leave only the sha256 of their secret in the store", async () => {
    const { secret, record } = await test.registry.createKey(alpha, "laptop");
    await test.registry.authenticate(secret);
    await test.registry.revokeKey(record.id);
    const stored = await dump(test.store);
    const all = JSON.stringify([...stored]);
    for (const part of [secret, secret.slice(3), secret.slice(3, 20), secret.slice(-20)]) {
      expect(all).not.toContain(part);
    }
    expect(stored.has(`keys/${createHash("sha256").update(secret).digest("hex")}.json`)).toBe(true);
  });

  it("that are malformed or mistyped are refused without asking the store", async () => {
    const { secret } = await test.registry.createKey(alpha, "laptop");
    test.store.calls.length = 0;
    const last = secret.endsWith("A") ? "B" : "A";
    const wrong = [
      "",
      "sg_",
      secret.slice(0, -1),
      `${secret.slice(0, -1)}${last}`,
      `${secret}A`,
      ` ${secret}`,
    ];
    for (const value of [...wrong, secret.toUpperCase(), `${secret}\n`, "../keys", "x".repeat(1000)]) {
      expect(await test.registry.authenticate(value)).toBeUndefined();
    }
    expect(test.store.calls).toEqual([]);
  });

  it("that are well-formed and unknown are refused", async () => {
    const { secret } = await createTestRegistry().registry.createKey(alpha, "of another store");
    expect(await test.registry.authenticate(secret)).toBeUndefined();
  });

  it("that are revoked are refused, at once here and in seconds elsewhere", async () => {
    const { secret, record } = await test.registry.createKey(alpha, "laptop");
    const other = test.reopen();
    expect(await other.authenticate(secret)).toBeDefined();
    expect(await test.registry.authenticate(secret)).toBeDefined();
    await test.registry.revokeKey(record.id);
    expect(await test.registry.authenticate(secret)).toBeUndefined();
    test.clock.nowMs += KEY_STALE_MS_MAX;
    expect(await other.authenticate(secret)).toBeUndefined();
    expect(await test.reopen().authenticate(secret)).toBeUndefined();
  });

  it("that are in use cost one read in their time, and the next is beside the request that finds it due", async () => {
    const { secret } = await test.registry.createKey(alpha, "laptop");
    test.store.calls.length = 0;
    await Promise.all(Array.from({ length: 10 }, () => test.registry.authenticate(secret)));
    test.clock.nowMs += KEY_REFRESH_MS - 1;
    await test.registry.authenticate(secret);
    expect(test.store.calls).toHaveLength(1);
    test.clock.nowMs += 1;
    const [until, asked] = [Promise.withResolvers<void>(), test.store.get];
    test.store.get = async (key) => {
      await until.promise;
      return asked.call(test.store, key);
    };
    expect(await test.registry.authenticate(secret)).toBeDefined();
    until.resolve();
  });

  it("are listed for their tenant alone, page by page, and revoked ones say since when", async () => {
    const made = [];
    for (let key = 0; key < 5; key += 1) made.push((await test.registry.createKey(alpha, `${key}`)).record);
    await test.registry.createKey(beta, "another tenant's");
    const [first] = made;
    test.clock.nowMs += 1000;
    await test.registry.revokeKey(first?.id ?? "");
    const listed = [];
    for (let after: string | undefined; ; ) {
      const page = await test.registry.listKeys(alpha, { limit: 2, ...(after && { after }) });
      expect(page.keys.length).toBeLessThanOrEqual(2);
      listed.push(...page.keys);
      if (page.next === undefined) break;
      after = page.next;
    }
    const expected = [{ ...first, revokedAt: "2026-01-01T00:00:01.000Z" }, ...made.slice(1)];
    const byId = (left: { id?: string }, right: { id?: string }) =>
      (left.id ?? "") < (right.id ?? "") ? -1 : 1;
    expect(listed).toEqual(expected.toSorted(byId));
    await expect(test.registry.listKeys(alpha, { after: "../beta" })).rejects.toMatchObject({
      code: "invalid_key",
    });
  });

  it("may do what their scopes say, and with admin everything", async () => {
    const { secret, record } = await test.registry.createKey(alpha, "x", { scopes: ["read", "classify"] });
    expect(record.scopes).toEqual(["classify", "read"]);
    expect((await test.registry.authenticate(secret))?.scopes).toEqual(["classify", "read"]);
    expect(allows(record.scopes, ["train", "read"])).toBe(true);
    expect(allows(record.scopes, ["train"])).toBe(false);
    for (const scope of KEY_SCOPES) expect(allows(["admin"], [scope])).toBe(true);
  });

  it("end at the very moment of their expiry, everywhere", async () => {
    const expiresAt = new Date(test.clock.nowMs + 60_000);
    const { secret } = await test.registry.createKey(alpha, "for a minute", { expiresAt });
    test.clock.nowMs += 59_999;
    expect(await test.registry.authenticate(secret)).toBeDefined();
    test.clock.nowMs += 1;
    expect(await test.registry.authenticate(secret)).toBeUndefined();
    expect(await test.reopen().authenticate(secret)).toBeUndefined();
    await expect(test.registry.createKey(alpha, "late", { expiresAt })).rejects.toMatchObject({
      code: "invalid_expiry",
    });
  });

  it("of one tenant are as missing to another as keys that never were", async () => {
    const { record, secret } = await test.registry.createKey(alpha, "laptop");
    for (const id of [record.id, "key_00000000000000000000"]) {
      const refused = { code: "invalid_key", publicMessage: expect.stringMatching(/^There is no key/) };
      await expect(test.registry.revokeKey(id, { tenant: beta })).rejects.toMatchObject(refused);
      await expect(test.registry.rotateKey(id, { tenant: beta })).rejects.toMatchObject(refused);
    }
    expect(await test.registry.authenticate(secret)).toBeDefined();
  });

  it("are bounded in number: those that ended make room, and with none of them it is told", async () => {
    const ids = [];
    for (let key = 0; key < KEYS_PER_TENANT_MAX; key += 1) {
      ids.push((await test.registry.createKey(alpha, "x")).record.id);
    }
    const creating = test.registry.createKey(alpha, "one more");
    await expect(creating).rejects.toMatchObject({ code: "limit_exceeded" });
    await test.registry.createKey(beta, "another tenant's");
    await test.registry.revokeKey(ids[0] ?? "");
    await test.registry.createKey(alpha, "in its place");
    await expect(test.registry.revokeKey(ids[0] ?? "")).rejects.toMatchObject({ code: "invalid_key" });
    const stored = [...(await dump(test.store)).keys()];
    expect(stored.filter((key) => key.startsWith("tenants/alpha/keys/"))).toHaveLength(KEYS_PER_TENANT_MAX);
    expect(stored.filter((key) => key.startsWith("keys/"))).toHaveLength(KEYS_PER_TENANT_MAX + 1);
  });

  it("are revoked by id, twice like once", async () => {
    const { record } = await test.registry.createKey(alpha, "laptop");
    await test.registry.revokeKey(record.id);
    const once = await test.registry.listKeys(alpha);
    test.clock.nowMs += 1000;
    await test.registry.revokeKey(record.id);
    expect(await test.registry.listKeys(alpha)).toEqual(once);
  });

  it.each(["", "key_", "key_00000000000000000000", "key_../x", "0", "key_z0000000000000000000"])(
    "cannot be revoked by the id %j, which none has",
    async (id) => {
      await test.registry.createKey(alpha, "laptop");
      await expect(test.registry.revokeKey(id)).rejects.toMatchObject({ code: "invalid_key" });
    },
  );

  it("have a short description", async () => {
    const creating = test.registry.createKey(alpha, "x".repeat(201));
    await expect(creating).rejects.toMatchObject({ code: "limit_exceeded" });
  });
});
