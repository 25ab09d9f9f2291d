import { describe, expect, it } from "vitest";
import { alpha, beta, createTestRegistry } from "./test-registry.ts";

describe("a tenant that is made by name", () => {
  it("is told with its description, and made once", async () => {
    const { registry, reopen } = createTestRegistry();
    const made = await registry.createTenant(alpha, { description: "Support, Europe" });
    expect(made).toEqual({
      id: "alpha",
      description: "Support, Europe",
      createdAt: "2026-01-01T00:00:00.000Z",
    });
    expect(await reopen().getTenant(alpha)).toEqual(made);
    expect(await registry.getTenant(beta)).toBeUndefined();
    await expect(registry.createTenant(alpha)).rejects.toMatchObject({ code: "conflict" });
    expect(await registry.getTenant(alpha)).toEqual(made);
  });

  it("is made by one of several at once", async () => {
    const { registry, reopen } = createTestRegistry();
    const results = await Promise.allSettled([registry, reopen()].map((each) => each.createTenant(alpha)));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("has a short description", async () => {
    const { registry } = createTestRegistry();
    const creating = registry.createTenant(alpha, { description: "x".repeat(201) });
    await expect(creating).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(await registry.getTenant(alpha)).toBeUndefined();
  });
});
