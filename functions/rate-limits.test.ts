import { describe, expect, it } from "vitest";
import { OverloadError } from "#model";
import { createRegistry, openObjectStore, parseTenantId } from "#registry";
import { RateLimits } from "./rate-limits.ts";
import { alpha, createTestApp, fakeClassifier, publishAdapter } from "./test-app.ts";

const beta = parseTenantId("beta");

async function withLimits(limits: { requestsPerMinute?: number; textsPerMinute?: number }) {
  const clock = { nowMs: 0 };
  const registry = createRegistry({ store: await openObjectStore("memory:") });
  await registry.setTenantLimits(alpha, limits);
  const rates = new RateLimits(registry, () => clock.nowMs);
  const textsTaken = (count: number) =>
    rates.takeTexts(alpha, count).then(
      () => "taken" as const,
      (error: OverloadError) => error.retryAfterSeconds,
    );
  return { clock, registry, rates, textsTaken };
}

describe("a tenant's requests per minute", () => {
  it("are refused beyond the limit, and come back evenly over the minute", async () => {
    const { clock, rates } = await withLimits({ requestsPerMinute: 6 });
    const refused = async () => (await rates.takeRequest(alpha))?.refused;
    for (let request = 0; request < 6; request += 1) expect(await refused()).toBe(false);
    expect(await rates.takeRequest(alpha)).toMatchObject({ refused: true, waitMs: 10_000 });
    clock.nowMs += 9_999;
    expect(await refused()).toBe(true);
    clock.nowMs += 1;
    expect([await refused(), await refused()]).toEqual([false, true]);
    clock.nowMs += 3_600_000;
    const answers = [];
    for (let request = 0; request < 8; request += 1) answers.push(await refused());
    expect(answers.filter((answer) => answer === false)).toHaveLength(6);
  });

  it("are its own, and without a limit as many as it likes", async () => {
    const { rates } = await withLimits({ requestsPerMinute: 1 });
    expect((await rates.takeRequest(alpha))?.refused).toBe(false);
    expect((await rates.takeRequest(alpha))?.refused).toBe(true);
    for (let request = 0; request < 100; request += 1) expect(await rates.takeRequest(beta)).toBeUndefined();
  });

  it("that are lowered leave no more than the new limit", async () => {
    const { rates, registry } = await withLimits({ requestsPerMinute: 100 });
    await rates.takeRequest(alpha);
    await registry.setTenantLimits(alpha, { requestsPerMinute: 2 });
    expect(await rates.takeRequest(alpha)).toMatchObject({ quota: { most: 2, left: 1 } });
  });
});

describe("a tenant's texts per minute", () => {
  it("are refused with the time to wait, and more than a minute's worth is paid for afterwards", async () => {
    const { clock, textsTaken } = await withLimits({ textsPerMinute: 60 });
    expect([await textsTaken(50), await textsTaken(20)]).toEqual(["taken", 10]);
    clock.nowMs += 60_000;
    expect([await textsTaken(120), await textsTaken(1)]).toEqual(["taken", 61]);
    clock.nowMs += 60_000;
    expect(await textsTaken(1)).toBe(1);
    clock.nowMs += 1_000;
    expect(await textsTaken(1)).toBe("taken");
  });

  it("that were taken and not answered for want of room are given back", async () => {
    const { registry } = await withLimits({ textsPerMinute: 2 });
    let isFull = true;
    const classifier: typeof fakeClassifier = {
      ...fakeClassifier,
      async classify(...args) {
        if (isFull) throw new OverloadError("classifier_overloaded", "Full.", { retryAfterMs: 1_000 });
        return fakeClassifier.classify(...args);
      },
    };
    const { send } = await createTestApp({ registry, classifier });
    await publishAdapter(registry, { name: "router" });
    const classify = () => send("POST", "/v1/classify", { adapterId: "router", inputs: ["a", "b"] });
    for (let request = 0; request < 3; request += 1) expect((await classify()).status).toBe(503);
    isFull = false;
    expect([(await classify()).status, (await classify()).status]).toEqual([200, 429]);
  });
});

describe("429", () => {
  it("every answer tells what is left, and the one that is refused when to come again", async () => {
    const { registry } = await withLimits({ requestsPerMinute: 2 });
    const { send, keys } = await createTestApp({ registry });
    const first = await send("GET", "/v1/adapters");
    expect(first.headers.get("ratelimit-policy")).toBe('"requests";q=2;w=60');
    expect(first.headers.get("ratelimit")).toBe('"requests";r=1;t=30');
    expect((await send("GET", "/v1/nothing")).headers.get("ratelimit")).toBe('"requests";r=0;t=60');
    const refused = await send("GET", "/v1/adapters");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(refused.headers.get("ratelimit")).toBe('"requests";r=0;t=30');
    expect(await refused.json()).toMatchObject({ code: "request_rate_exceeded" });
    const others = await send("GET", "/v1/adapters", undefined, { key: keys.beta });
    expect([others.status, others.headers.get("ratelimit")]).toEqual([200, null]);
  });

  it("an answer without a body tells what is left too", async () => {
    const { registry } = await withLimits({ requestsPerMinute: 60 });
    const { send } = await createTestApp({ registry });
    await publishAdapter(registry, { name: "router" });
    const path = "/v1/adapters/router/versions";
    const etag = (await send("GET", path)).headers.get("etag") ?? "";
    const unchanged = await send("GET", path, undefined, { headers: { "If-None-Match": etag } });
    expect([unchanged.status, unchanged.headers.get("ratelimit")]).toEqual([304, '"requests";r=58;t=2']);
  });

  it("a request without a valid key counts for no tenant", async () => {
    const { registry } = await withLimits({ requestsPerMinute: 1 });
    const { send } = await createTestApp({ registry });
    for (let request = 0; request < 3; request += 1) {
      expect((await send("GET", "/v1/adapters", undefined, { key: "sg_x" })).status).toBe(401);
    }
    expect((await send("GET", "/v1/adapters")).status).toBe(200);
  });

  it("of texts tells both quotas", async () => {
    const { registry } = await withLimits({ requestsPerMinute: 60, textsPerMinute: 3 });
    const { send } = await createTestApp({ registry });
    await publishAdapter(registry, { name: "router" });
    const classify = () => send("POST", "/v1/classify", { adapterId: "router", inputs: ["a", "b"] });
    expect((await classify()).status).toBe(200);
    const refused = await classify();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "20"]);
    expect(refused.headers.get("ratelimit-policy")).toBe('"requests";q=60;w=60, "texts";q=3;w=60');
    expect(refused.headers.get("ratelimit")).toBe('"requests";r=58;t=2, "texts";r=1;t=20');
    expect(await refused.json()).toMatchObject({ code: "text_rate_exceeded" });
  });
});
