import { beforeEach, describe, expect, it } from "vitest";
import { auditPrefix, blobKey, historySegmentKey, manifestKey, stateKey } from "./layout.ts";
import { CHANGES_PER_ADAPTER_MAX, HISTORY_SEGMENT_CHANGES } from "./limits.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  createTestRegistry,
  decode,
  encode,
  type FaultyStore,
  publishRequest,
  router,
  type TestRegistry,
  type WriteFault,
} from "./test-registry.ts";

const owner = { tenant: alpha, name: router };
let test: TestRegistry;
let registry: Registry;
let store: FaultyStore;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry, store } = test);
  for (const text of ["one", "two", "three"]) await registry.publish(alpha, publishRequest(text));
});

async function allChanges(reader: Registry, page: { alias?: string; limit?: number } = {}) {
  const changes = [];
  for (let before: number | undefined; ; ) {
    const part = await reader.listHistory(alpha, router, { ...page, ...(before && { before }) });
    changes.push(...part.changes);
    if (part.next === undefined) return changes;
    before = part.next;
  }
}

/** Far past one segment of the history. */
async function moveOften(moves: number) {
  for (let move = 1; move <= moves; move += 1) {
    const request = {
      alias: move % 8 === 0 ? "canary" : "stable",
      version: 1 + (move % 2),
      why: `move ${move}`,
    };
    await registry.setAlias(alpha, router, request);
    await registry.setAlias(alpha, router, { ...request, version: 3, why: `back ${move}` });
  }
}

describe("the history", () => {
  it("says who moved which alias when, from where to where, and why", async () => {
    const actor = { id: "key_1", requestId: "request-1" };
    await registry.setAlias(alpha, router, { alias: "production", version: 1, why: "three is slow", actor });
    const { changes } = await registry.listHistory(alpha, router, { alias: "production" });
    expect(changes).toMatchObject([
      {
        sequence: 4,
        action: "move_alias",
        by: "key_1",
        requestId: "request-1",
        from: 3,
        version: 1,
        why: "three is slow",
      },
      { sequence: 3, action: "move_alias", automatic: true, from: 2, version: 3 },
      { sequence: 2, action: "move_alias", automatic: true, from: 1, version: 2 },
      { sequence: 1, action: "move_alias", automatic: true, version: 1 },
    ]);
    expect(changes[0]?.at).toBe("2026-01-01T00:00:00.000Z");
  });

  it("loses and doubles nothing however long it is, while the state stays small", async () => {
    await moveOften(40);
    const changes = await allChanges(test.reopen(), { limit: 7 });
    expect(changes.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: changes.length }, (_, index) => changes.length - index),
    );
    expect(changes.filter(({ why }) => why !== undefined)).toHaveLength(80);
    const state = JSON.parse(decode((await store.get(stateKey(owner)))?.bytes));
    expect(state.log.length).toBeLessThanOrEqual(2 * HISTORY_SEGMENT_CHANGES);
    const segments = await store.list({ prefix: historySegmentKey(owner, 1).replace("00000001.json", "") });
    expect(segments.keys.length).toBeGreaterThan(2);
  });

  it("of one alias comes in pages of that alias, each change once", async () => {
    await moveOften(40);
    const canary = await allChanges(test.reopen(), { alias: "canary", limit: 2 });
    expect(canary.every(({ alias }) => alias === "canary")).toBe(true);
    expect(canary.map(({ why }) => why)).toEqual(
      [40, 32, 24, 16, 8].flatMap((move) => [`back ${move}`, `move ${move}`]),
    );
  });

  it("ends at a named limit, and says so", async () => {
    const state = JSON.parse(decode((await store.get(stateKey(owner)))?.bytes));
    state.log.at(-1).sequence = CHANGES_PER_ADAPTER_MAX;
    await store.put(stateKey(owner), encode(JSON.stringify(state)));
    const move = registry.setAlias(alpha, router, { alias: "production", version: 1 });
    await expect(move).rejects.toMatchObject({ code: "limit_exceeded" });
  });

  it("a reason that is too long is refused before anything is written", async () => {
    const writes = store.writes;
    const request = { alias: "production", version: 1, why: "x".repeat(501) };
    await expect(registry.setAlias(alpha, router, request)).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(store.writes).toBe(writes);
  });
});

describe("a change whose replies are lost", () => {
  it.each<WriteFault>(["after", "refused"])(
    "(%s the write) is made once, is in history and audit once, and is no conflict",
    async (fault) => {
      for (let write = 0; write < 3; write += 1) {
        const attempt = createTestRegistry();
        for (const text of ["one", "two", "three"])
          await attempt.registry.publish(alpha, publishRequest(text));
        attempt.store.revive();
        attempt.store.faults.set(write, fault);
        const moved = await attempt.registry.rollback(alpha, router, { alias: "production", from: 3 });
        expect(moved).toEqual({ alias: "production", version: 2, from: 3 });
        expect(attempt.store.writes).toBe(3);
        const reader = attempt.reopen();
        expect((await allChanges(reader)).map(({ action }) => action)).toEqual([
          "rollback",
          ...Array(3).fill("move_alias"),
        ]);
        const { entries } = await reader.listAudit(alpha);
        expect(entries.filter(({ action }) => action === "rollback")).toHaveLength(1);
      }
    },
  );

  it("is known even when another change came between", async () => {
    const other = test.reopen();
    const put = store.put.bind(store);
    let isFirst = true;
    store.put = async (key, bytes, condition) => {
      const result = await put(key, bytes, condition);
      if (key !== stateKey(owner) || !isFirst) return result;
      isFirst = false;
      await other.setAlias(alpha, router, { alias: "canary", version: 1 });
      return { stored: false };
    };
    await registry.rollback(alpha, router, { alias: "production", from: 3 });
    const actions = (await allChanges(test.reopen())).map(({ action, alias }) => `${action} ${alias}`);
    expect(actions.slice(0, 3)).toEqual([
      "move_alias canary",
      "rollback production",
      "move_alias production",
    ]);
  });

  it("is known even when another change came between and the reply was an error", async () => {
    const other = test.reopen();
    const put = store.put.bind(store);
    let isFirst = true;
    store.put = async (key, bytes, condition) => {
      const result = await put(key, bytes, condition);
      if (key !== stateKey(owner) || !isFirst) return result;
      isFirst = false;
      await other.setAlias(alpha, router, { alias: "canary", version: 1 });
      throw new Error("the reply is lost");
    };
    const moved = await registry.rollback(alpha, router, { alias: "production", from: 3 });
    expect(moved).toEqual({ alias: "production", version: 2, from: 3 });
  });
});

describe("a change whose segment of the history is refused though nothing stands there", () => {
  it("is not made, and the history stays whole", async () => {
    await moveOften(HISTORY_SEGMENT_CHANGES / 2);
    const put = store.put.bind(store);
    const segment = historySegmentKey(owner, 1);
    store.put = async (key, ...rest) => (key === segment ? { stored: false } : put(key, ...rest));
    const error = await moveOften(HISTORY_SEGMENT_CHANGES).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "store_unreachable",
      publicMessage: expect.stringContaining(segment),
    });
    store.put = put;
    await moveOften(1);
    const sequences = (await allChanges(test.reopen())).map(({ sequence }) => sequence);
    expect(sequences.length).toBeGreaterThan(2 * HISTORY_SEGMENT_CHANGES);
    expect(sequences).toEqual(Array.from(sequences, (_, index) => sequences.length - index));
  });
});

describe("a change that dies", () => {
  it.each<WriteFault>(["before", "after"])(
    "%s any write is in effect with its entry, or not at all",
    async (fault) => {
      for (let write = 0; write < 3; write += 1) {
        const attempt = createTestRegistry();
        for (const text of ["one", "two"]) await attempt.registry.publish(alpha, publishRequest(text));
        attempt.store.revive();
        attempt.store.diesOfFault = true;
        attempt.store.faults.set(write, fault);
        await attempt.registry.rollback(alpha, router, { alias: "production" }).catch(() => undefined);
        attempt.store.revive();
        const reader = attempt.reopen();
        const { version } = await reader.resolve(alpha, { name: router, alias: "production" });
        const rollbacks = (await allChanges(reader)).filter(({ action }) => action === "rollback");
        expect(rollbacks).toHaveLength(version === 1 ? 1 : 0);
        // What died before its audit was written is written by the next change.
        await reader.setAlias(alpha, router, { alias: "canary", version: 1 });
        const { entries } = await reader.listAudit(alpha);
        expect(entries.filter(({ action }) => action === "rollback")).toHaveLength(rollbacks.length);
      }
    },
  );
});

describe("many changes at once", () => {
  it("each is in the history once, and the aliases are where the newest entries say", async () => {
    const processes = [registry, test.reopen(), test.reopen()];
    const moves = Array.from({ length: 45 }, (_, index) => ({
      alias: `alias-${index % 3}`,
      version: 1 + (index % 3),
      why: `${index}`,
    }));
    const moved = await Promise.all(
      moves.map((move, index) => processes[index % 3]?.setAlias(alpha, router, move)),
    );
    const changes = await allChanges(test.reopen());
    const expected = moved.filter((move) => move?.from !== move?.version).length;
    const made = changes.filter(({ automatic }) => !automatic);
    expect(made).toHaveLength(expected);
    expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length);
    expect(changes.map(({ sequence }) => sequence)).toEqual(
      changes.map((_, index) => changes.length - index),
    );
    for (const alias of ["alias-0", "alias-1", "alias-2"]) {
      const { version } = await registry.resolve(alpha, { name: router, alias });
      expect(changes.find((change) => change.alias === alias)?.version).toBe(version);
    }
    expect((await store.list({ prefix: auditPrefix(alpha) })).keys.length).toBe(changes.length + 3);
  });
});

describe("rollback", () => {
  const production = { name: router, alias: "production" };
  const rollback = (options = {}) => registry.rollback(alpha, router, { alias: "production", ...options });

  it("goes back one version at a time, and never to what it was rolled back from", async () => {
    expect(await rollback()).toEqual({ alias: "production", version: 2, from: 3 });
    expect(await rollback()).toEqual({ alias: "production", version: 1, from: 2 });
    await expect(rollback()).rejects.toMatchObject({ code: "no_earlier_version" });
    expect((await registry.resolve(alpha, production)).version).toBe(1);
  });

  it("goes to the version that is named", async () => {
    expect(await rollback({ version: 1 })).toEqual({ alias: "production", version: 1, from: 3 });
    await expect(rollback({ version: 9 })).rejects.toMatchObject({ code: "version_not_found" });
  });

  it("sent twice with where it starts goes back once", async () => {
    await rollback({ from: 3 });
    await expect(rollback({ from: 3 })).rejects.toMatchObject({
      code: "conflict",
      publicMessage: expect.stringContaining("points at version 2, not 3"),
    });
  });

  it("passes over versions that were deleted", async () => {
    await registry.deleteVersion(alpha, router, { version: 2 });
    expect((await rollback()).version).toBe(1);
  });

  it("passes over the version that it is at", async () => {
    for (const version of [2, 3]) await registry.setAlias(alpha, router, { alias: "production", version });
    await registry.setAlias(alpha, router, { alias: "production", version: 2 });
    await registry.setAlias(alpha, router, { alias: "production", version: 3 });
    await registry.deleteVersion(alpha, router, { version: 2 });
    expect((await rollback()).version).toBe(1);
  });

  it("is not undone by the late retry of a publish", async () => {
    const request = publishRequest("four", { idempotencyKey: "job-4" });
    await registry.publish(alpha, request);
    await rollback();
    await moveOften(30);
    await test.reopen().publish(alpha, request);
    expect((await registry.resolve(alpha, production)).version).toBe(3);
  });

  it.each([
    ["a changed blob", async (key: string) => store.put(key, encode("changed"))],
    ["a lost blob", async (key: string) => store.delete(key)],
  ])("refuses a version with %s, and moves nothing", async (_, damage) => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 2 });
    await damage(blobKey(alpha, manifest.files[1] ?? { digest: "" }));
    await expect(rollback()).rejects.toMatchObject({
      code: "version_damaged",
      publicMessage: expect.stringContaining("Version 2"),
    });
    expect((await registry.resolve(alpha, production)).version).toBe(3);
    expect((await rollback({ version: 1 })).version).toBe(1);
  });

  it("refuses a manifest that is not the one it pointed at, though this process remembers the right one", async () => {
    const { manifest } = await registry.resolve(alpha, { name: router, version: 2 });
    const changed = { ...manifest, labels: ["no", "maybe"] };
    await store.put(manifestKey(owner, 2), encode(JSON.stringify(changed)));
    await expect(rollback()).rejects.toMatchObject({ code: "version_damaged" });
  });

  it("of an alias or adapter that is not there is told as such", async () => {
    const missing = registry.rollback(alpha, router, { alias: "canary" });
    await expect(missing).rejects.toMatchObject({ code: "alias_not_found" });
  });
});
