import { beforeEach, describe, expect, it } from "vitest";
import type { ReportRule } from "./change.ts";
import type { Registry } from "./registry.ts";
import { alpha, createTestRegistry, publishRequest, router, type TestRegistry } from "./test-registry.ts";

const production = { name: router, alias: "production" };
let test: TestRegistry;
let registry: Registry;

beforeEach(() => {
  test = createTestRegistry();
  ({ registry } = test);
});

function publish(macroF1: number | undefined, overrides: { idempotencyKey?: string; alias?: string } = {}) {
  const request = publishRequest(`${macroF1}`);
  const report = macroF1 === undefined ? {} : { heldOut: { macroF1, accuracy: 0.5 } };
  return registry.publish(alpha, { ...request, ...overrides, manifest: { ...request.manifest, report } });
}

function protect(rule?: Partial<ReportRule>) {
  const whole = { metric: "macroF1", on: "heldOut", marginMax: 0.01, ...rule } as const;
  return registry.protectAlias(alpha, router, {
    alias: "production",
    protected: true,
    ...(rule && { rule: whole }),
  });
}

const move = (version: number, options = {}) =>
  registry.setAlias(alpha, router, { alias: "production", version, ...options });

describe("a protected alias without a rule", () => {
  beforeEach(async () => {
    await publish(0.8);
    await protect();
  });

  it("moves by force with a reason alone, which the history keeps", async () => {
    await publish(0.9, { alias: "canary" });
    for (const options of [{}, { force: true }, { force: true, why: " " }, { why: "it is better" }]) {
      await expect(move(2, options)).rejects.toMatchObject({ code: "alias_protected" });
    }
    await move(2, { force: true, why: "it is better" });
    await expect(registry.rollback(alpha, router, { alias: "production" })).rejects.toMatchObject({
      code: "alias_protected",
    });
    await registry.rollback(alpha, router, { alias: "production", force: true, why: "it is not" });
    const { changes } = await registry.listHistory(alpha, router, { alias: "production", limit: 2 });
    expect(changes).toMatchObject([
      { action: "rollback", forced: true, why: "it is not" },
      { action: "move_alias", forced: true, why: "it is better" },
    ]);
  });

  it("is not moved by a publish: the version stands, and the answer and the history say why", async () => {
    const published = await publish(0.9, { idempotencyKey: "job-2" });
    expect(published).toMatchObject({ version: 2, heldBack: expect.stringContaining("is protected") });
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    expect((await registry.resolve(alpha, { name: router, version: 2 })).version).toBe(2);
    const { changes } = await registry.listHistory(alpha, router);
    expect(changes[0]).toMatchObject({ action: "hold_alias", version: 2, from: 1, why: published.heldBack });
  });

  it("stays held back when the publish is retried, also after the protection ended", async () => {
    const { heldBack } = await publish(0.9, { idempotencyKey: "job-2" });
    await registry.protectAlias(alpha, router, { alias: "production", protected: false });
    expect(await publish(0.9, { idempotencyKey: "job-2" })).toMatchObject({ version: 2, heldBack });
    expect((await registry.resolve(alpha, production)).version).toBe(1);
    expect(await publish(0.7)).not.toHaveProperty("heldBack");
    expect((await registry.resolve(alpha, production)).version).toBe(3);
  });
});

describe("a promotion rule", () => {
  it("lets an alias move to what is better, the same, or worse by no more than the margin", async () => {
    await publish(0.8);
    await protect({});
    for (const macroF1 of [0.9, 0.9, 0.89, 0.95]) {
      const { version, heldBack } = await publish(macroF1);
      expect(heldBack).toBeUndefined();
      expect((await registry.resolve(alpha, production)).version).toBe(version);
    }
  });

  it("refuses what is worse, in a sentence with both figures", async () => {
    await publish(0.8456);
    await protect({});
    const { heldBack } = await publish(0.7123);
    expect(heldBack).toMatch(
      /^Version 2 has a macro-F1 on held-out rows of 0\.7123, and version 1, where production points, of 0\.8456: it may be lower by at most 0\.01\./,
    );
    await expect(move(2)).rejects.toMatchObject({ code: "promotion_refused", publicMessage: heldBack });
    await move(2, { force: true, why: "new labels" });
  });

  it("holds a rollback too: back to what is worse needs force", async () => {
    await publish(0.7);
    await publish(0.9);
    await protect({});
    const back = { alias: "production", from: 2 };
    await expect(registry.rollback(alpha, router, back)).rejects.toMatchObject({ code: "promotion_refused" });
    await registry.rollback(alpha, router, { ...back, force: true, why: "it answers nonsense" });
  });

  it.each([
    ["heldOut", "accuracy", "accuracy on held-out rows"],
    ["validation", "macroF1", "macro-F1 on validation rows"],
  ] as const)("by %s %s compares these figures", async (on, metric, words) => {
    const publishWith = (figure: number) => {
      const request = publishRequest(`${figure}`);
      const report = { heldOut: { accuracy: 0.5, macroF1: 0.5 }, [on]: { [metric]: figure } };
      return registry.publish(alpha, { ...request, manifest: { ...request.manifest, report } });
    };
    await publishWith(0.9);
    await protect({ on, metric });
    expect((await publishWith(0.8)).heldBack).toContain(words);
    expect((await publishWith(0.91)).heldBack).toBeUndefined();
  });

  it("refuses a version whose report lacks the figure, and one that cannot be compared", async () => {
    await publish(0.8);
    await protect({});
    expect((await publish(undefined)).heldBack).toContain(
      "report of version 2 has no macro-F1 on held-out rows",
    );
    await move(2, { force: true, why: "no figures yet" });
    expect((await publish(0.9)).heldBack).toContain("report of version 2, where production points, has no");
  });

  it("binds its own alias alone", async () => {
    await publish(0.8);
    await protect({});
    expect((await publish(0.1, { alias: "canary" })).heldBack).toBeUndefined();
    expect((await registry.resolve(alpha, { name: router, alias: "canary" })).version).toBe(2);
  });
});

describe("protectAlias", () => {
  it("of an alias that is not there is refused", async () => {
    await publish(0.8);
    const request = { alias: "canary", protected: true };
    await expect(registry.protectAlias(alpha, router, request)).rejects.toMatchObject({
      code: "alias_not_found",
    });
  });

  it("is in the history with its rule, and once when asked twice", async () => {
    await publish(0.8);
    await protect({});
    await protect({});
    await registry.protectAlias(alpha, router, { alias: "production", protected: false, why: "moving out" });
    const { changes } = await registry.listHistory(alpha, router);
    expect(changes.slice(0, 2)).toMatchObject([
      { action: "protect_alias", protected: false, why: "moving out" },
      {
        action: "protect_alias",
        protected: true,
        rule: { metric: "macroF1", on: "heldOut", marginMax: 0.01 },
      },
    ]);
    expect(changes).toHaveLength(3);
  });
});
