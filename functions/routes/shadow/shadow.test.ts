import { describe, expect, it, vi } from "vitest";
import { parseAdapterName } from "#registry";
import type { ClassifierPort } from "../../services.ts";
import { ShadowMode } from "../../shadow-mode.ts";
import {
  alpha,
  BACKBONE,
  createTestApp,
  fakeClassifier,
  publishAdapter,
  type TestApp,
} from "../../test-app.ts";

const SHADOW = "/v1/adapters/tickets/shadow";
const tickets = parseAdapterName("tickets");

/** Version 1 is production, version 2 the candidate, whose labels are the other way round: it never agrees. */
async function open(classifier: ClassifierPort = fakeClassifier, share = 1): Promise<TestApp> {
  const test = await createTestApp({ classifier });
  await publishAdapter(test.registry, { name: "tickets" });
  await publishAdapter(test.registry, { name: "tickets", labels: ["yes", "no"] });
  await test.registry.setAlias(alpha, tickets, { alias: "candidate", version: 2 });
  await test.registry.setAlias(alpha, tickets, { alias: "production", version: 1 });
  expect((await test.send("PUT", SHADOW, { alias: "candidate", share })).status).toBe(200);
  return test;
}

const ask = (test: TestApp, adapterId = "tickets", inputs: string | string[] = ["a", "b"]) =>
  test.send("POST", "/v1/classify", { adapterId, inputs });
const countsOf = async (test: TestApp) =>
  ((await (await test.send("GET", SHADOW)).json()) as { counts: Record<string, number> | null }).counts;
const countsOnce = (test: TestApp, isThere: (counts: Record<string, number>) => boolean) =>
  vi.waitUntil(
    async () => {
      const counts = await countsOf(test);
      return counts && isThere(counts) ? counts : undefined;
    },
    { timeout: 5_000, interval: 5 },
  );

describe("200", () => {
  it("what production answers is asked of the shadow afterwards, and counted", async () => {
    const test = await open();
    expect(await countsOf(test)).toBeNull();
    const answer = (await (await ask(test)).json()) as { version: number };
    expect(answer.version).toBe(1);
    expect(await countsOnce(test, ({ texts }) => texts === 2)).toMatchObject({
      ...{ production: 1, shadow: 2, texts: 2, agreed: 0, skipped: 0, failed: 0 },
    });
  });

  it("counts begin anew with other versions, and those that say the same agree", async () => {
    const test = await open();
    await ask(test);
    await countsOnce(test, ({ texts }) => texts === 2);
    await publishAdapter(test.registry, { name: "tickets", report: { other: true } });
    await test.registry.setAlias(alpha, tickets, { alias: "production", version: 1 });
    await test.registry.setAlias(alpha, tickets, { alias: "candidate", version: 3 });
    await ask(test);
    expect(await countsOnce(test, ({ shadow }) => shadow === 3)).toMatchObject({ texts: 2, agreed: 2 });
  });

  it("a shadow that fails, or never ends, changes no answer; the next is skipped while it is asked", async () => {
    const stuck = Promise.withResolvers<never>();
    let asked = 0;
    const classifier: ClassifierPort = {
      ...fakeClassifier,
      classify: async (adapter, inputs, options) => {
        const answers = await fakeClassifier.classify(adapter, inputs, options);
        if (answers[0]?.labels[0] === "no") return answers;
        asked += 1;
        return stuck.promise;
      },
    };
    const test = await open(classifier);
    expect((await ask(test)).status).toBe(200);
    await vi.waitUntil(() => asked === 1);
    expect((await ask(test)).status).toBe(200);
    expect(await countsOnce(test, ({ skipped }) => skipped === 1)).toMatchObject({ texts: 0, failed: 0 });
    stuck.reject(new Error("broken"));
    expect(await countsOnce(test, ({ failed }) => failed === 1)).toMatchObject({ texts: 0, skipped: 1 });
    expect(asked).toBe(1);
  });

  it("is skipped while other requests are with the classifier", async () => {
    const waiting = Promise.withResolvers<void>();
    const classifier: ClassifierPort = {
      ...fakeClassifier,
      classify: async (adapter, inputs, options) => {
        if (inputs[0] === "slow") await waiting.promise;
        return fakeClassifier.classify(adapter, inputs, options);
      },
    };
    const test = await open(classifier);
    const slow = ask(test, "tickets", ["slow"]);
    await ask(test);
    expect(await countsOnce(test, ({ skipped }) => skipped === 1)).toMatchObject({ texts: 0 });
    waiting.resolve();
    await slow;
  });

  it("is ended by a share of 0", async () => {
    const test = await open();
    const ended = await test.send("PUT", SHADOW, { alias: "candidate", share: 0 });
    expect(await ended.json()).toEqual({ name: "tickets", shadow: null });
    expect(await (await test.send("GET", SHADOW)).json()).toEqual({
      name: "tickets",
      shadow: null,
      counts: null,
    });
  });
});

describe("a request", () => {
  /** How many texts its shadow is asked, where the draw gives so much. */
  async function shadowed(adapterId: string, { share = 1, drawn = 0, texts = 1 } = {}): Promise<number> {
    const { registry } = await open(fakeClassifier, share);
    const mode = new ShadowMode({ registry, classifier: fakeClassifier, backbone: BACKBONE }, () => drawn);
    const resolved = await registry.resolve(alpha, { name: tickets, version: 1 });
    const inputs = Array.from({ length: texts }, () => "a");
    const answers = inputs.map(() => ({ scores_C: Float32Array.of(1, 0), labels: ["no", "yes"] }));
    await mode.follow({ tenant: alpha, adapterId, resolved, inputs, answers });
    return mode.countsOf(alpha, tickets)?.texts ?? 0;
  }

  it("for production is followed, in the share that is set, and at most so many of its texts", async () => {
    expect(await shadowed("tickets")).toBe(1);
    expect(await shadowed("tickets@production", { share: 0.5, drawn: 0.49 })).toBe(1);
    expect(await shadowed("tickets", { share: 0.5, drawn: 0.5 })).toBe(0);
    expect(await shadowed("tickets", { texts: 100 })).toBe(16);
  });

  it("for a version or another alias is not followed", async () => {
    expect(await shadowed("tickets:1")).toBe(0);
    expect(await shadowed("tickets@candidate")).toBe(0);
  });
});

describe("400 and 404", () => {
  it.each([
    ["a share above 1", { alias: "candidate", share: 2 }, 400],
    ["an alias that is none", { alias: "1", share: 1 }, 400],
    ["an alias that is not there", { alias: "canary", share: 1 }, 404],
  ])("%s is refused, and the setting stays", async (_, body, status) => {
    const test = await open();
    expect((await test.send("PUT", SHADOW, body)).status).toBe(status);
    expect(await (await test.send("GET", SHADOW)).json()).toMatchObject({
      shadow: { alias: "candidate", share: 1 },
    });
  });

  it("another tenant's adapter is answered as one that is not there", async () => {
    const test = await open();
    const key = test.keys.beta;
    expect((await test.send("GET", SHADOW, undefined, { key })).status).toBe(404);
    expect((await test.send("PUT", SHADOW, { alias: "candidate", share: 1 }, { key })).status).toBe(404);
  });
});
