import { beforeEach, describe, expect, it } from "vitest";
import { KEY_OVERLAP_MS_DEFAULT, KEY_OVERLAP_MS_MAX, KEY_STALE_MS_MAX } from "./limits.ts";
import { alpha, createTestRegistry, type TestRegistry } from "./test-registry.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
let test: TestRegistry;

beforeEach(() => {
  test = createTestRegistry();
});

const works = async (secret: string) => (await test.reopen().authenticate(secret)) !== undefined;

describe("a rotation", () => {
  it("gives a new secret with the same scopes; both work for the overlap, then the new one alone", async () => {
    const old = await test.registry.createKey(alpha, "server", { scopes: ["classify"] });
    const { record, secret, previous } = await test.registry.rotateKey(old.record.id);
    expect(secret).not.toBe(old.secret);
    expect(record).toMatchObject({ description: "server", scopes: ["classify"], tenant: "alpha" });
    expect(previous).toMatchObject({ id: old.record.id, rotatedTo: record.id });
    test.clock.nowMs += KEY_OVERLAP_MS_DEFAULT - 1;
    expect([await works(old.secret), await works(secret)]).toEqual([true, true]);
    test.clock.nowMs += 1;
    expect([await works(old.secret), await works(secret)]).toEqual([false, true]);
  });

  it("without overlap ends the old key at once here, and in seconds where it was read before", async () => {
    const old = await test.registry.createKey(alpha, "leaked");
    const elsewhere = test.reopen();
    await elsewhere.authenticate(old.secret);
    await test.registry.rotateKey(old.record.id, { overlapMs: 0 });
    expect(await test.registry.authenticate(old.secret)).toBeUndefined();
    test.clock.nowMs += KEY_STALE_MS_MAX;
    expect(await elsewhere.authenticate(old.secret)).toBeUndefined();
  });

  it("never makes the old key live longer, and gives the new one as long a life", async () => {
    const expiresAt = new Date(test.clock.nowMs + 10 * DAY_MS);
    const old = await test.registry.createKey(alpha, "server", { expiresAt });
    test.clock.nowMs += 9.5 * DAY_MS;
    const { record, previous } = await test.registry.rotateKey(old.record.id);
    expect(previous.expiresAt).toBe(expiresAt.toISOString());
    expect(Date.parse(record.expiresAt ?? "")).toBe(test.clock.nowMs + 10 * DAY_MS);
  });

  it("of a key that was rotated before, revoked or expired is refused, and makes nothing", async () => {
    const [rotated, revoked] = [
      (await test.registry.createKey(alpha, "rotated")).record.id,
      (await test.registry.createKey(alpha, "revoked")).record.id,
    ];
    const expiresAt = new Date(test.clock.nowMs + 1);
    const expired = (await test.registry.createKey(alpha, "expired", { expiresAt })).record.id;
    await test.registry.rotateKey(rotated);
    await test.registry.revokeKey(revoked);
    test.clock.nowMs += 1;
    const before = await test.registry.listKeys(alpha);
    for (const id of [rotated, revoked, expired]) {
      await expect(test.registry.rotateKey(id)).rejects.toMatchObject({ code: "conflict" });
    }
    await expect(test.registry.rotateKey("key_x")).rejects.toMatchObject({ code: "invalid_key" });
    const long = test.registry.rotateKey(revoked, { overlapMs: KEY_OVERLAP_MS_MAX + 1 });
    await expect(long).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(await test.registry.listKeys(alpha)).toEqual(before);
  });

  it("twice at once leaves one successor that is valid, the one that the old key names", async () => {
    const old = await test.registry.createKey(alpha, "server");
    const results = await Promise.allSettled(
      [test.registry, test.reopen()].map((registry) => registry.rotateKey(old.record.id)),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { keys } = await test.registry.listKeys(alpha);
    const valid = keys.filter(({ id, revokedAt }) => id !== old.record.id && revokedAt === undefined);
    expect(valid.map(({ id }) => id)).toEqual([keys.find(({ id }) => id === old.record.id)?.rotatedTo]);
  });

  it("that dies on the way leaves the old key valid", async () => {
    for (let write = 0; ; write += 1) {
      test = createTestRegistry();
      const old = await test.registry.createKey(alpha, "server");
      test.store.revive();
      test.store.diesOfFault = true;
      test.store.faults.set(write, "before");
      const survived = await test.registry.rotateKey(old.record.id).then(
        () => true,
        () => false,
      );
      test.store.revive();
      expect(await works(old.secret)).toBe(true);
      if (survived) break;
    }
  });
});
