import { beforeEach, describe, expect, it } from "vitest";
import { checkStore } from "./fsck/check-store.ts";
import { feedbackKey, feedbackPrefix, usageKey } from "./layout.ts";
import { FEEDBACK_BYTES_MAX, FEEDBACK_PER_ADAPTER_MAX, FEEDBACK_TEXT_CHARACTERS_MAX } from "./limits.ts";
import { listAll } from "./list-all.ts";
import { mirrorStore } from "./mirror/mirror-store.ts";
import { MemoryStore } from "./object-store/memory.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

const owner = { tenant: alpha, name: router };
const DAY_MS = 24 * 60 * 60 * 1_000;
let test: TestRegistry;
let registry: Registry;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry } = test);
  await registry.publish(alpha, publishRequest("one"));
});

/** Each a millisecond after the one before. */
async function give(text: string, { version = 1, label = "yes" } = {}) {
  test.clock.nowMs += 1;
  return registry.addFeedback(alpha, router, { version, text, label });
}

const textsOf = ({ feedback }: { feedback: { text: string }[] }) => feedback.map(({ text }) => text);
const keysOf = async (store = test.store) => (await listAll(store, { prefix: feedbackPrefix(owner) })).keys;

describe("feedback", () => {
  it("is listed by pages, the newest version's first and of each the newest first", async () => {
    await registry.publish(alpha, publishRequest("two"));
    for (const text of ["a", "b"]) await give(text);
    for (const text of ["c", "d"]) await give(text, { version: 2 });
    await give("e");
    const first = await registry.listFeedback(alpha, router, { limit: 2 });
    expect(textsOf(first)).toEqual(["d", "c"]);
    const second = await registry.listFeedback(alpha, router, { limit: 2, after: first.next ?? "" });
    expect(textsOf(second)).toEqual(["e", "b"]);
    const third = await registry.listFeedback(alpha, router, { limit: 2, after: second.next ?? "" });
    expect(textsOf(third)).toEqual(["a"]);
    expect(third.next).toBeUndefined();
    expect((await registry.readFeedback(alpha, router)).map(({ text }) => text)).toEqual([
      "e",
      "d",
      "c",
      "b",
      "a",
    ]);
  });

  it("is of the tenant alone, and what is not there is answered as what never was", async () => {
    const { id } = await give("a");
    await registry.publish(beta, publishRequest("other"));
    expect(await registry.readFeedback(beta, router)).toEqual([]);
    const refused = { code: "feedback_not_found" };
    await expect(registry.deleteFeedback(beta, router, { id })).rejects.toMatchObject(refused);
    await expect(registry.deleteFeedback(alpha, router, { id: "../state" })).rejects.toMatchObject(refused);
    await expect(registry.listFeedback(alpha, router, { after: "x" })).rejects.toMatchObject(refused);
    expect(await registry.readFeedback(alpha, router)).toHaveLength(1);
  });

  it("is refused on a version that is not there", async () => {
    await expect(give("a", { version: 2 })).rejects.toMatchObject({ code: "version_not_found" });
    expect(await keysOf()).toEqual([]);
  });

  it("counts in the tenant's bytes, as a recount finds them, until it is deleted", async () => {
    const before = (await registry.getUsage(alpha)).bytes.used;
    const { id } = await give("a");
    const { bytes } = (await test.store.get(feedbackKey(owner, id))) ?? { bytes: new Uint8Array() };
    expect((await registry.getUsage(alpha)).bytes.used).toBe(before + bytes.byteLength);
    await test.store.delete(usageKey(alpha));
    expect((await registry.getUsage(alpha)).bytes.used).toBe(before + bytes.byteLength);
    await registry.deleteFeedback(alpha, router, { id });
    expect((await registry.getUsage(alpha)).bytes.used).toBe(before);
    expect(await keysOf()).toEqual([]);
  });

  it("beyond the tenant's bytes is refused, and nothing is written", async () => {
    await registry.setTenantLimits(alpha, { bytes: (await registry.getUsage(alpha)).bytes.used + 10 });
    await expect(give("a")).rejects.toMatchObject({ code: "quota_exceeded" });
    expect(await keysOf()).toEqual([]);
  });

  it("of an adapter is bounded in number", async () => {
    const { id } = await give("a");
    for (let index = 1; index < FEEDBACK_PER_ADAPTER_MAX; index += 1) {
      const nonce = `f${String(index).padStart(31, "0")}`;
      await test.store.put(feedbackKey(owner, id.slice(0, -32) + nonce), encode("{}"));
    }
    await expect(give("b")).rejects.toMatchObject({ code: "limit_exceeded" });
  });

  it("of an adapter is bounded in bytes", async () => {
    const text = "語".repeat(FEEDBACK_TEXT_CHARACTERS_MAX);
    const most = Math.floor(FEEDBACK_BYTES_MAX / (3 * FEEDBACK_TEXT_CHARACTERS_MAX));
    const giveAll = async () => {
      for (let index = 0; index <= most; index += 1) await give(text);
    };
    await expect(giveAll()).rejects.toMatchObject({ code: "limit_exceeded" });
    expect((await keysOf()).length).toBeGreaterThan(most - 3);
  });

  it("whose write fails is not counted", async () => {
    const before = (await registry.getUsage(alpha)).bytes.used;
    // The bytes are reserved by the write before.
    test.store.faults.set(test.store.writes + 1, "before");
    await expect(give("a")).rejects.toThrow();
    expect((await registry.getUsage(alpha)).bytes.used).toBe(before);
  });

  it("goes with its version: hidden while that is deleted, back when it is restored, gone once it is collected", async () => {
    await give("a");
    await registry.publish(alpha, publishRequest("two"));
    await give("b", { version: 2 });
    await registry.deleteVersion(alpha, router, { version: 1 });
    expect(textsOf(await registry.listFeedback(alpha, router))).toEqual(["b"]);
    await registry.restoreVersion(alpha, router, { version: 1 });
    expect(textsOf(await registry.listFeedback(alpha, router))).toEqual(["b", "a"]);
    await registry.deleteVersion(alpha, router, { version: 1 });
    test.clock.nowMs += 31 * DAY_MS;
    await registry.collectGarbage(alpha);
    expect((await keysOf()).map((key) => key.includes("-2/"))).toEqual([true]);
  });

  it("of an adapter that is deleted is not told, and goes with it", async () => {
    await give("a");
    await registry.deleteAdapter(alpha, router);
    await expect(registry.listFeedback(alpha, router)).rejects.toMatchObject({ code: "adapter_not_found" });
    test.clock.nowMs += 31 * DAY_MS;
    await registry.publish(alpha, publishRequest("again"));
    expect(await registry.readFeedback(alpha, router)).toEqual([]);
    await registry.collectGarbage(alpha);
    expect(await keysOf()).toEqual([]);
  });
});

describe("a check of the store", () => {
  const findings = async () => {
    const found: { code: string; key: string }[] = [];
    await checkStore(test.store, { onFinding: (finding) => void found.push(finding) });
    return found.map(({ code }) => code);
  };

  it("knows feedback, finds what is damaged, and what has another id than its key", async () => {
    const { id } = await give("a");
    expect(await findings()).toEqual([]);
    const key = feedbackKey(owner, id);
    const { bytes } = (await test.store.get(key)) ?? { bytes: new Uint8Array() };
    await test.store.put(key, encode("{"));
    expect(await findings()).toEqual(["record_damaged"]);
    await test.store.put(key, encode(new TextDecoder().decode(bytes).replace('"version":1', '"version":2')));
    expect(await findings()).toEqual(["record_damaged"]);
  });
});

describe("a mirror", () => {
  it("brings feedback along with datasets alone, once", async () => {
    const { id } = await give("a");
    const target = new MemoryStore();
    const stores = { source: test.store, target };
    await mirrorStore(stores);
    expect((await listAll(target, { prefix: feedbackPrefix(owner) })).keys).toEqual([]);
    await mirrorStore(stores, { datasets: true });
    await mirrorStore(stores, { datasets: true });
    expect((await listAll(target, { prefix: feedbackPrefix(owner) })).keys).toEqual([feedbackKey(owner, id)]);
  });
});
