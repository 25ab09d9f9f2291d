import { beforeEach, describe, expect, it } from "vitest";
import { onceKey, oncePrefix } from "./layout.ts";
import {
  ONCE_ANSWER_BYTES_MAX,
  ONCE_KEPT_MS,
  ONCE_RECORDS_PER_FOLDER_MAX,
  ONCE_UNRENEWED_MS_MAX,
} from "./limits.ts";
import { alpha, beta, createTestRegistry, encode, type TestRegistry } from "./test-registry.ts";

const request = { key: "monday", requestDigest: "one" };

let test: TestRegistry;
beforeEach(() => {
  test = createTestRegistry();
});

/** By another process each time. */
const begin = (given = request, tenant = alpha) => test.reopen().beginOnce(tenant, given);

async function mustBegin(given = request) {
  const once = await begin(given);
  if (once.state !== "begun") throw new Error(`is ${once.state}`);
  return once;
}

describe("a request with an idempotency key", () => {
  it("is begun by one of many that send it at once, and its answer is every process's from then on", async () => {
    const states = await Promise.all(Array.from({ length: 8 }, () => begin()));
    const begun = states.flatMap((once) => (once.state === "begun" ? [once] : []));
    expect(states.filter(({ state }) => state === "doing")).toHaveLength(7);
    await begun[0]?.finish({ status: 201 });
    expect(await begin()).toEqual({ state: "done", answer: { status: 201 } });
  });

  it("keeps its key from other requests of the tenant, and from no other tenant", async () => {
    await mustBegin();
    expect(await begin({ ...request, requestDigest: "two" })).toEqual({ state: "other" });
    expect(await begin(request, beta)).toMatchObject({ state: "begun" });
  });

  it("that changed nothing leaves its key free for any request", async () => {
    const first = await mustBegin();
    await first.leave();
    expect((await mustBegin({ ...request, requestDigest: "two" })).id).not.toBe(first.id);
  });

  it("that failed and is sent again has the id that it had: what was done of it all the same is found", async () => {
    const first = await mustBegin();
    await first.leave();
    expect((await mustBegin()).id).toBe(first.id);
  });

  it("is done again when its process has died, and not while that renews it", async () => {
    const first = await mustBegin();
    test.clock.nowMs += ONCE_UNRENEWED_MS_MAX - 1;
    await first.renew();
    test.clock.nowMs += ONCE_UNRENEWED_MS_MAX - 1;
    expect(await begin()).toEqual({ state: "doing" });
    test.clock.nowMs += 1;
    const second = await mustBegin();
    expect(second.id).toBe(first.id);
    // One that was only slow does not write over it.
    await first.finish({ by: "first" });
    await second.finish({ by: "second" });
    expect(await begin()).toEqual({ state: "done", answer: { by: "second" } });
  });

  it("is forgotten after a day, and its key free", async () => {
    await (await mustBegin()).finish({});
    test.clock.nowMs += ONCE_KEPT_MS - 1;
    expect(await begin()).toMatchObject({ state: "done" });
    test.clock.nowMs += 1;
    await mustBegin({ ...request, requestDigest: "two" });
  });

  it("whose record was written and the reply lost is begun all the same", async () => {
    test.store.faults.set(1, "refused");
    await mustBegin();
  });

  it("with an answer that is too large says so, and keeps none", async () => {
    const once = await mustBegin();
    const answer = { body: "a".repeat(ONCE_ANSWER_BYTES_MAX) };
    await expect(once.finish(answer)).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(await begin()).toEqual({ state: "doing" });
  });
});

describe("a tenant's keys", () => {
  it("are so many and no more, until those before have expired", async () => {
    const folder = onceKey(alpha, "monday").replace(/[^/]*$/, "");
    const fill = async () => {
      for (let index = 0; index < ONCE_RECORDS_PER_FOLDER_MAX; index += 1)
        await test.store.put(`${folder}${String(index).padStart(64, "0")}.json`, encode("{}"));
    };
    await fill();
    await expect(begin()).rejects.toMatchObject({ code: "limit_exceeded" });
    expect((await test.store.list({ prefix: folder })).keys).toHaveLength(ONCE_RECORDS_PER_FOLDER_MAX);
    test.clock.nowMs += 2 * ONCE_KEPT_MS + 1;
    await mustBegin();
    expect((await test.store.list({ prefix: folder })).keys).toEqual([onceKey(alpha, "monday")]);
  });

  it("are collected once they have expired, and not before", async () => {
    await (await mustBegin()).finish({});
    test.clock.nowMs += 2 * ONCE_KEPT_MS;
    await mustBegin({ ...request, key: "wednesday" });
    const collect = async (options = {}) => {
      await test.registry.collectGarbage(alpha, options);
      return (await test.store.list({ prefix: oncePrefix(alpha) })).keys;
    };
    expect(await collect()).toHaveLength(2);
    test.clock.nowMs += 1;
    expect(await collect({ dryRun: true })).toHaveLength(2);
    expect(await collect()).toEqual([onceKey(alpha, "wednesday")]);
  });
});
