import { describe, expect, it } from "vitest";
import { parseAdapterName } from "#registry";
import { alpha, createTestApp, publishAdapter } from "../../test-app.ts";

const report = (macroF1: number) => ({ heldOut: { macroF1, accuracy: macroF1 } });
const PRODUCTION = "/v1/adapters/router/aliases/production";

async function withVersions() {
  const test = await createTestApp();
  for (const macroF1 of [0.7, 0.8, 0.9]) {
    await publishAdapter(test.registry, { name: "router", report: report(macroF1) });
  }
  const send = async (method: string, path: string, body?: unknown, options = {}) => {
    const response = await test.send(method, path, body, options);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const classify = async () =>
    (await send("POST", "/v1/classify", { adapterId: "router", inputs: ["a"] })).body.version;
  return { ...test, send, classify };
}

describe("200", () => {
  it("an alias is moved, answers say from where, and the next request is answered by it", async () => {
    const { send, classify } = await withVersions();
    expect(await send("PUT", PRODUCTION, { version: 1, from: 3 })).toEqual({
      status: 200,
      body: { name: "router", alias: "production", version: 1, from: 3 },
    });
    expect(await classify()).toBe(1);
    const canary = await send("PUT", "/v1/adapters/router/aliases/canary", { version: 2 });
    expect(canary.body).toEqual({ name: "router", alias: "canary", version: 2 });
  });

  it("a rollback is one call without a body, and the next request is answered by the version before", async () => {
    const { send, classify } = await withVersions();
    expect(await classify()).toBe(3);
    expect(await send("POST", `${PRODUCTION}/rollback`)).toEqual({
      status: 200,
      body: { name: "router", alias: "production", version: 2, from: 3 },
    });
    expect(await classify()).toBe(2);
    const named = await send("POST", `${PRODUCTION}/rollback`, { version: 1, why: "two is no better" });
    expect(named.body).toMatchObject({ version: 1, from: 2 });
  });

  it("the history says who moved it in which request and why, page by page", async () => {
    const { send, registry, keys } = await withVersions();
    const keyId = (await registry.authenticate(keys.alpha))?.keyId;
    await send(
      "PUT",
      PRODUCTION,
      { version: 1, why: "three is slow" },
      { headers: { "X-Request-Id": "r-1" } },
    );
    const first = await send("GET", "/v1/adapters/router/history?alias=production&limit=1");
    expect(first.body).toMatchObject({
      changes: [
        { action: "move_alias", by: keyId, requestId: "r-1", from: 3, version: 1, why: "three is slow" },
      ],
      has_more: true,
      next: "4",
    });
    const rest = await send("GET", `/v1/adapters/router/history?alias=production&after=${first.body.next}`);
    expect(rest.body.changes).toHaveLength(3);
    expect(rest.body).toMatchObject({ has_more: false });
    expect(rest.body).not.toHaveProperty("next");
    expect(JSON.stringify([first, rest])).not.toContain(keys.alpha);
  });

  it("an alias is held to a test set, and what is held back says how figures are made", async () => {
    const { send, registry } = await withVersions();
    const { id: datasetId } = await registry.putDataset(alpha, {
      ...{ bytes: new TextEncoder().encode("text,label\n"), rows: 8, labels: ["no", "yes"] },
      ...{ fileName: "test.csv", mediaType: "text/csv", columns: { text: "text", label: "label" } },
    });
    const rule = { metric: "macroF1", on: "testSet", datasetId, marginMax: 0 };
    expect(await send("PUT", `${PRODUCTION}/protection`, { protected: true, rule })).toEqual({
      status: 200,
      body: { name: "router", alias: "production", protected: true, rule },
    });
    const figures = { datasetId, rows: 8, accuracy: 1, precision: "int8", softgate: "0.0.0" } as const;
    const name = parseAdapterName("router");
    await registry.recordEvaluation(alpha, name, { ...figures, version: 3, macroF1: 0.5 });
    expect(await send("PUT", PRODUCTION, { version: 1 })).toMatchObject({
      status: 409,
      body: {
        code: "promotion_refused",
        detail: expect.stringContaining(
          `softgate evaluate --adapter router:1 --dataset ${datasetId} --record`,
        ),
      },
    });
    await registry.recordEvaluation(alpha, name, { ...figures, version: 1, macroF1: 0.5 });
    expect((await send("PUT", PRODUCTION, { version: 1 })).status).toBe(200);
    const [alias] = (await send("GET", "/v1/adapters/router/aliases")).body.aliases as object[];
    expect(alias).toMatchObject({ rule });
  });

  it("an alias is protected by a rule, and its protection ended", async () => {
    const { send } = await withVersions();
    const rule = { metric: "macroF1", on: "heldOut", marginMax: 0.02 };
    expect(await send("PUT", `${PRODUCTION}/protection`, { protected: true, rule })).toEqual({
      status: 200,
      body: { name: "router", alias: "production", protected: true, rule },
    });
    expect((await send("PUT", PRODUCTION, { version: 1 })).status).toBe(409);
    expect((await send("GET", "/v1/adapters/router/aliases")).body).toEqual({
      aliases: [{ alias: "production", version: 3, protected: true, rule, earlier: [2, 1] }],
      has_more: false,
    });
    await send("PUT", `${PRODUCTION}/protection`, { protected: false });
    const [alias] = (await send("GET", "/v1/adapters/router/aliases")).body.aliases as object[];
    expect(alias).toEqual({ alias: "production", version: 3, protected: false, earlier: [2, 1] });
    expect((await send("PUT", PRODUCTION, { version: 1 })).status).toBe(200);
  });
});

describe("400", () => {
  it.each([
    ["PUT", PRODUCTION, {}],
    ["PUT", PRODUCTION, { version: 0 }],
    ["PUT", PRODUCTION, { version: "1" }],
    ["PUT", PRODUCTION, { version: 1, tenant: "beta" }],
    ["PUT", PRODUCTION, { version: 1, why: "x".repeat(501) }],
    ["PUT", "/v1/adapters/router/aliases/3", { version: 1 }],
    ["PUT", "/v1/adapters/..%2Fother/aliases/production", { version: 1 }],
    ["POST", `${PRODUCTION}/rollback`, { to: 1 }],
    ["POST", `${PRODUCTION}/rollback`, { version: 1.5 }],
    ["PUT", `${PRODUCTION}/protection`, {}],
    ["PUT", `${PRODUCTION}/protection`, { protected: true, rule: { metric: "loss" } }],
    ["PUT", `${PRODUCTION}/protection`, { protected: false, rule: {} }],
    [
      "PUT",
      `${PRODUCTION}/protection`,
      { protected: true, rule: { metric: "macroF1", on: "testSet", marginMax: 0 } },
    ],
    [
      "PUT",
      `${PRODUCTION}/protection`,
      {
        protected: true,
        rule: { metric: "macroF1", on: "heldOut", datasetId: `ds_${"0".repeat(32)}`, marginMax: 0 },
      },
    ],
    ["GET", "/v1/adapters/router/history?after=0", undefined],
    ["GET", "/v1/adapters/router/history?limit=201", undefined],
  ])("%s %s %j", async (method, path, body) => {
    const { send } = await withVersions();
    expect((await send(method, path, body)).status).toBe(400);
  });
});

describe("401", () => {
  it("without a key nothing is moved or told", async () => {
    const { app } = await withVersions();
    for (const path of [`${PRODUCTION}/rollback`, `${PRODUCTION}`]) {
      expect((await app.request(path, { method: path === PRODUCTION ? "PUT" : "POST" })).status).toBe(401);
    }
    expect((await app.request("/v1/adapters/router/history")).status).toBe(401);
  });
});

describe("404", () => {
  it.each([
    ["PUT", "", { version: 1 }],
    ["POST", "/rollback", undefined],
    ["PUT", "/protection", { protected: true }],
  ])(
    "%s …%s on another tenant's adapter is answered, byte by byte, like on a missing one",
    async (method, path, body) => {
      const { app: _, ...test } = await createTestApp();
      await publishAdapter(test.registry, { name: "router" });
      const empty = await createTestApp();
      const headers = { "X-Request-Id": "same" };
      const others = await test.send(method, PRODUCTION + path, body, { headers, key: test.keys.beta });
      const missing = await empty.send(method, PRODUCTION + path, body, { headers, key: empty.keys.beta });
      expect(others.status).toBe(404);
      expect(await others.text()).toBe(await missing.text());
    },
  );

  it("the aliases of an adapter that is not there, or deleted", async () => {
    const { send } = await withVersions();
    expect((await send("GET", "/v1/adapters/filter/aliases")).status).toBe(404);
    await send("DELETE", "/v1/adapters/router");
    expect((await send("GET", "/v1/adapters/router/aliases")).body.code).toBe("adapter_not_found");
  });

  it("an alias or a version that is not there, and a test set that is not", async () => {
    const { send } = await withVersions();
    const rule = { metric: "macroF1", on: "testSet", datasetId: `ds_${"0".repeat(32)}`, marginMax: 0 };
    const held = await send("PUT", `${PRODUCTION}/protection`, { protected: true, rule });
    expect(held).toMatchObject({ status: 404, body: { code: "dataset_not_found" } });
    expect((await send("PUT", PRODUCTION, { version: 9 })).body).toMatchObject({ code: "version_not_found" });
    const canary = await send("POST", "/v1/adapters/router/aliases/canary/rollback");
    expect(canary).toMatchObject({ status: 404, body: { code: "alias_not_found" } });
  });
});

describe("409", () => {
  it("the alias is not where the request says", async () => {
    const { send } = await withVersions();
    await send("POST", `${PRODUCTION}/rollback`, { from: 3 });
    const again = await send("POST", `${PRODUCTION}/rollback`, { from: 3 });
    expect(again).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  it("nothing to roll back to", async () => {
    const { send, registry } = await withVersions();
    await publishAdapter(registry, { name: "filter" });
    const { status, body } = await send("POST", "/v1/adapters/filter/aliases/production/rollback");
    expect([status, body.code]).toEqual([409, "no_earlier_version"]);
  });

  it("a protected alias, and a version that is worse: both figures are told, force and a reason move it", async () => {
    const { send } = await withVersions();
    await send("PUT", `${PRODUCTION}/protection`, { protected: true });
    expect((await send("PUT", PRODUCTION, { version: 2 })).body.code).toBe("alias_protected");
    const rule = { metric: "macroF1", on: "heldOut", marginMax: 0 };
    await send("PUT", `${PRODUCTION}/protection`, { protected: true, rule });
    const { status, body } = await send("PUT", PRODUCTION, { version: 2 });
    expect([status, body.code]).toEqual([409, "promotion_refused"]);
    expect(body.detail).toMatch(/0\.8000.*0\.9000/);
    const forced = await send("PUT", PRODUCTION, { version: 2, force: true, why: "labels were wrong" });
    expect(forced.status).toBe(200);
  });
});

it("415: a body that is no JSON", async () => {
  const { app, keys } = await withVersions();
  const headers = { Authorization: `Bearer ${keys.alpha}`, "Content-Type": "text/plain" };
  const response = await app.request(`${PRODUCTION}/rollback`, { method: "POST", headers, body: "{}" });
  expect(response.status).toBe(415);
});
