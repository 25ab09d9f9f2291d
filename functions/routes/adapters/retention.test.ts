import { describe, expect, it } from "vitest";
import { createTestApp, publishAdapter } from "../../test-app.ts";

const RETENTION = "/v1/adapters/router/retention";

async function withVersions() {
  const test = await createTestApp();
  for (let count = 0; count < 3; count += 1) await publishAdapter(test.registry, { name: "router" });
  const send = async (method: string, path: string, body?: unknown, options = {}) => {
    const response = await test.send(method, path, body, options);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { ...test, send };
}

describe("200", () => {
  it("a retention is set, told and ended, and the history says by whom and why", async () => {
    const { send, registry, keys } = await withVersions();
    expect(await send("GET", RETENTION)).toEqual({ status: 200, body: { name: "router", retention: null } });
    const retention = { keepVersions: 2, keepDays: 7 };
    const set = { status: 200, body: { name: "router", retention } };
    expect(await send("PUT", RETENTION, { retention, why: "room is short" })).toEqual(set);
    expect(await send("GET", RETENTION)).toEqual(set);
    const ended = await send("PUT", RETENTION, { retention: null });
    expect(ended.body).toEqual({ name: "router", retention: null });
    expect(await send("GET", RETENTION)).toEqual(ended);
    const keyId = (await registry.authenticate(keys.alpha))?.keyId;
    const { changes } = (await send("GET", "/v1/adapters/router/history?limit=2")).body;
    expect(changes).toMatchObject([
      { action: "set_retention", by: keyId },
      { action: "set_retention", by: keyId, retention, why: "room is short" },
    ]);
  });
});

describe("400", () => {
  it.each([
    {},
    { retention: {} },
    { retention: { keepVersions: 0 } },
    { retention: { keepVersions: 1.5 } },
    { retention: { keepVersions: 1, keepDays: 0 } },
    { retention: { keepVersions: 1, keepHours: 1 } },
    { retention: null, tenant: "beta" },
  ])("PUT %j", async (body) => {
    const { send } = await withVersions();
    expect((await send("PUT", RETENTION, body)).status).toBe(400);
  });
});

it("401: without a key nothing is set or told", async () => {
  const { app } = await withVersions();
  for (const method of ["GET", "PUT"]) expect((await app.request(RETENTION, { method })).status).toBe(401);
});

it.each(["GET", "PUT"])(
  "404: %s of another tenant's is answered, byte by byte, like a missing one",
  async (method) => {
    const test = await withVersions();
    const empty = await createTestApp();
    const body = method === "PUT" ? { retention: { keepVersions: 1 } } : undefined;
    const headers = { "X-Request-Id": "same" };
    const ask = (app: { send: typeof empty.send }, key: string) =>
      app.send(method, RETENTION, body, { headers, key });
    const others = await test.app.request(RETENTION, {
      method,
      headers: { ...headers, Authorization: `Bearer ${test.keys.beta}`, "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const missing = await ask(empty, empty.keys.beta);
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
  },
);
