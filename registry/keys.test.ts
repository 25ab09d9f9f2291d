import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { KEY_STALE_MS_MAX } from "./limits.ts";
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
    });
    expect(await test.reopen().authenticate(second.secret)).toEqual({
      tenant: "beta",
      keyId: second.record.id,
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

  it("that are in use cost one read in their time", async () => {
    const { secret } = await test.registry.createKey(alpha, "laptop");
    test.store.calls.length = 0;
    await Promise.all(Array.from({ length: 10 }, () => test.registry.authenticate(secret)));
    test.clock.nowMs += KEY_STALE_MS_MAX - 1;
    await test.registry.authenticate(secret);
    expect(test.store.calls).toHaveLength(1);
  });

  it("are listed by creation, all or one tenant's, and revoked ones say since when", async () => {
    const first = await test.registry.createKey(alpha, "first");
    test.clock.nowMs += 1000;
    const second = await test.registry.createKey(beta, "second");
    test.clock.nowMs += 1000;
    const third = await test.registry.createKey(alpha, "third");
    await test.registry.revokeKey(first.record.id);
    const revoked = { ...first.record, revokedAt: "2026-01-01T00:00:02.000Z" };
    expect(await test.registry.listKeys()).toEqual([revoked, second.record, third.record]);
    expect(await test.registry.listKeys(alpha)).toEqual([revoked, third.record]);
  });

  it("are revoked by id, twice like once", async () => {
    const { record } = await test.registry.createKey(alpha, "laptop");
    await test.registry.revokeKey(record.id);
    const [once] = await test.registry.listKeys();
    test.clock.nowMs += 1000;
    await test.registry.revokeKey(record.id);
    expect(await test.registry.listKeys()).toEqual([once]);
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
