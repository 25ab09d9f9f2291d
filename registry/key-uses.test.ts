import { beforeEach, describe, expect, it } from "vitest";
import { KeyUses } from "./key-uses.ts";
import { KEY_USE_INTERVAL_MS, KEY_USES_IN_FLIGHT_MAX } from "./limits.ts";
import { alpha, createTestRegistry, type TestRegistry } from "./test-registry.ts";

let test: TestRegistry;
let failures: unknown[];

beforeEach(() => {
  test = createTestRegistry();
  failures = [];
});

function createUses(): KeyUses {
  const now = () => new Date(test.clock.nowMs);
  return new KeyUses({ store: test.store, now, onFailure: (error) => failures.push(error) });
}

const lastUses = async () => (await test.registry.listKeys(alpha)).keys.map(({ lastUsedAt }) => lastUsedAt);
const puts = () => test.store.calls.filter((call) => call.startsWith("put key-uses/")).length;

describe("the last use of a key", () => {
  it("is listed with the key, and absent for one that was not used", async () => {
    const { record } = await test.registry.createKey(alpha, "laptop");
    expect(await lastUses()).toEqual([undefined]);
    const uses = createUses();
    uses.note(record.id);
    await uses.close();
    expect(await lastUses()).toEqual(["2026-01-01T00:00:00.000Z"]);
  });

  it("is written once in its interval, however often and on however many servers the key is used", async () => {
    const { record } = await test.registry.createKey(alpha, "laptop");
    const servers = [createUses(), createUses()];
    for (let second = 0; second < 3; second += 1) {
      for (const uses of servers) {
        for (let request = 0; request < 10; request += 1) uses.note(record.id);
        await uses.close();
      }
      test.clock.nowMs += 1_000;
    }
    expect(puts()).toBe(1);
    test.clock.nowMs += KEY_USE_INTERVAL_MS;
    servers[1]?.note(record.id);
    await servers[1]?.close();
    expect(puts()).toBe(2);
    expect(await lastUses()).toEqual([new Date(test.clock.nowMs).toISOString()]);
  });

  it("never fails a request: what could not be written is told, and written with the next use", async () => {
    const { record } = await test.registry.createKey(alpha, "laptop");
    test.store.faults.set(test.store.writes, "before");
    const uses = createUses();
    uses.note(record.id);
    await uses.close();
    expect(failures).toHaveLength(1);
    expect(await lastUses()).toEqual([undefined]);
    uses.note(record.id);
    await uses.close();
    expect(await lastUses()).toEqual(["2026-01-01T00:00:00.000Z"]);
  });

  it("is written for a bounded number of keys at once", async () => {
    const uses = createUses();
    for (let key = 0; key < 3 * KEY_USES_IN_FLIGHT_MAX; key += 1) {
      uses.note(`key_${String(key).padStart(20, "0")}`);
    }
    await uses.close();
    expect(puts()).toBe(KEY_USES_IN_FLIGHT_MAX);
  });
});
