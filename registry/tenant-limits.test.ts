import { describe, expect, it } from "vitest";
import { RATE_LIMITS_STALE_MS_MAX } from "./limits.ts";
import { alpha, beta, createTestRegistry } from "./test-registry.ts";

const limits = { requestsPerMinute: 600, textsPerMinute: 6_000 };

describe("a tenant's limits per minute", () => {
  it("are those an operator has set, absent without, and told with the usage", async () => {
    const { registry } = createTestRegistry();
    await registry.setTenantLimits(alpha, { ...limits, adapters: 3 });
    expect(await registry.getRateLimits(alpha)).toMatchObject(limits);
    expect(await registry.getRateLimits(beta)).toEqual({});
    expect(await registry.getUsage(alpha)).toMatchObject({
      adapters: { limit: 3 },
      requestsPerMinute: { limit: 600 },
      textsPerMinute: { limit: 6_000 },
    });
    expect(await registry.getUsage(beta)).not.toHaveProperty("requestsPerMinute");
  });

  it("are seen at once where they are set, and elsewhere within their time", async () => {
    const { registry, reopen, clock } = createTestRegistry();
    const elsewhere = reopen();
    expect(await elsewhere.getRateLimits(alpha)).toEqual({});
    await registry.getRateLimits(alpha);
    await registry.setTenantLimits(alpha, limits);
    expect(await registry.getRateLimits(alpha)).toEqual(limits);
    clock.nowMs += RATE_LIMITS_STALE_MS_MAX;
    expect(await elsewhere.getRateLimits(alpha)).toEqual(limits);
  });

  it("cost one read in their time, also where none are set", async () => {
    const { registry, store } = createTestRegistry();
    for (let request = 0; request < 5; request += 1) await registry.getRateLimits(alpha);
    expect(store.calls).toHaveLength(1);
  });
});
