import { describe, expect, it } from "vitest";
import { alpha, createTestApp, publishAdapter } from "../../test-app.ts";

async function withVersions() {
  const test = await createTestApp();
  for (let count = 0; count < 2; count += 1) await publishAdapter(test.registry, { name: "router" });
  const send = async (method: string, path: string, body?: unknown, options = {}) => {
    const response = await test.send(method, path, body, options);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { ...test, send };
}

const classify = { adapterId: "router", inputs: ["a"] };

describe("200", () => {
  it("a deleted adapter is missing to every route, and comes back whole", async () => {
    const { send } = await withVersions();
    const deleted = await send("DELETE", "/v1/adapters/router?why=not%20used");
    expect(deleted).toEqual({
      status: 200,
      body: { name: "router", restorableUntil: expect.stringMatching(/^20/) },
    });
    expect((await send("GET", "/v1/adapters")).body).toEqual({ adapters: [], has_more: false });
    for (const path of ["/versions", "/versions/1/report", "/history"]) {
      expect((await send("GET", `/v1/adapters/router${path}`)).body.code).toBe("adapter_not_found");
    }
    expect((await send("POST", "/v1/classify", classify)).status).toBe(404);
    expect(await send("POST", "/v1/adapters/router/restore")).toEqual({
      status: 200,
      body: { name: "router" },
    });
    expect((await send("POST", "/v1/classify", classify)).body.version).toBe(2);
    const { changes } = (await send("GET", "/v1/adapters/router/history?limit=2")).body;
    expect(changes).toMatchObject([
      { action: "restore_adapter" },
      { action: "delete_adapter", why: "not used" },
    ]);
  });

  it("a deleted version is missing, and comes back", async () => {
    const { send } = await withVersions();
    const deleted = await send("DELETE", "/v1/adapters/router/versions/1");
    expect(deleted.body).toMatchObject({ name: "router", version: 1, restorableUntil: expect.any(String) });
    const first = { ...classify, adapterId: "router:1" };
    expect((await send("POST", "/v1/classify", first)).body.code).toBe("version_not_found");
    const restored = await send("POST", "/v1/adapters/router/versions/1/restore", { why: "needed" });
    expect(restored.body).toEqual({ name: "router", version: 1 });
    expect((await send("POST", "/v1/classify", first)).status).toBe(200);
  });
});

describe("400", () => {
  it.each([
    ["DELETE", "/v1/adapters/A"],
    ["DELETE", "/v1/adapters/router?force=yes"],
    ["DELETE", "/v1/adapters/router/versions/x"],
    ["POST", "/v1/adapters/router/versions/0/restore"],
  ])("%s %s", async (method, path) => {
    const { send } = await withVersions();
    expect((await send(method, path)).status).toBe(400);
  });
});

it("401: without a key nothing is deleted", async () => {
  const { app } = await withVersions();
  expect((await app.request("/v1/adapters/router", { method: "DELETE" })).status).toBe(401);
  expect((await app.request("/v1/adapters/router/restore", { method: "POST" })).status).toBe(401);
});

describe("404", () => {
  it.each([
    ["DELETE", ""],
    ["POST", "/restore"],
    ["DELETE", "/versions/1"],
    ["POST", "/versions/1/restore"],
  ])("%s …%s of another tenant's is answered, byte by byte, like a missing one", async (method, path) => {
    const test = await withVersions();
    const empty = await createTestApp();
    const headers = { "X-Request-Id": "same" };
    const target = `/v1/adapters/router${path}`;
    const others = await test.app.request(target, {
      method,
      headers: { ...headers, Authorization: `Bearer ${test.keys.beta}` },
    });
    const missing = await empty.send(method, target, undefined, { headers, key: empty.keys.beta });
    expect(others.status).toBe(404);
    expect([...others.headers]).toEqual([...missing.headers]);
    expect(await others.text()).toBe(await missing.text());
  });

  it("a deleted adapter is classified, byte by byte, like one that never was", async () => {
    const test = await withVersions();
    await test.send("DELETE", "/v1/adapters/router");
    const empty = await createTestApp();
    const options = { headers: { "X-Request-Id": "same" } };
    const deleted = await test.app.request("/v1/classify", {
      method: "POST",
      headers: {
        ...options.headers,
        Authorization: `Bearer ${test.keys.alpha}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(classify),
    });
    const missing = await empty.send("POST", "/v1/classify", classify, options);
    expect([...deleted.headers]).toEqual([...missing.headers]);
    expect(await deleted.text()).toBe(await missing.text());
  });
});

describe("409", () => {
  it("a version that an alias points at is not deleted, and the alias is named", async () => {
    const { send } = await withVersions();
    const { status, body } = await send("DELETE", "/v1/adapters/router/versions/2");
    expect([status, body.code]).toEqual([409, "version_in_use"]);
    expect(body.detail).toContain("production");
  });

  it("an adapter with a protected alias is deleted by force with a reason alone", async () => {
    const { send } = await withVersions();
    await send("PUT", "/v1/adapters/router/aliases/production/protection", { protected: true });
    expect((await send("DELETE", "/v1/adapters/router")).body.code).toBe("alias_protected");
    expect((await send("DELETE", "/v1/adapters/router?force=true&why=gone")).status).toBe(200);
  });

  it("nothing is trained under the name of a deleted adapter that can be restored", async () => {
    const { send, registry, jobs } = await withVersions();
    const dataset = {
      bytes: new TextEncoder().encode("text,label"),
      rows: 8,
      labels: ["a", "b"],
      fileName: "a.csv",
      mediaType: "text/csv" as const,
      columns: { text: "text", label: "label" },
    };
    const tenant = alpha;
    const { id: datasetId } = await registry.putDataset(tenant, dataset);
    await send("DELETE", "/v1/adapters/router");
    const { status, body } = await send("POST", "/v1/adapters", { name: "router", datasetId });
    expect([status, body.code]).toEqual([409, "adapter_deleted"]);
    expect(await jobs.get(tenant, "job-1")).toBeUndefined();
  });
});
