import { describe, expect, it } from "vitest";
import { createTestApp, publishAdapter } from "../../test-app.ts";

interface Page {
  readonly adapters?: readonly { readonly name: string }[];
  readonly versions?: readonly { readonly version: number }[];
  readonly next?: string | number;
}

async function withAdapters() {
  const test = await createTestApp();
  for (const name of ["a-router", "b-router", "b-router", "c-router"]) {
    await publishAdapter(test.registry, { name });
  }
  const get = async (path: string, key = test.keys.alpha) => {
    const response = await test.send("GET", path, undefined, { key });
    return { status: response.status, body: (await response.json()) as Page };
  };
  return { ...test, get };
}

describe("200", () => {
  it("lists a tenant's adapters, page by page, each once", async () => {
    const { get } = await withAdapters();
    const names: string[] = [];
    let after = "";
    for (let page = 0; page < 5; page += 1) {
      const { body } = await get(`/v1/adapters?limit=2${after && `&after=${encodeURIComponent(after)}`}`);
      names.push(...(body.adapters ?? []).map(({ name }) => name));
      if (body.next === undefined) break;
      after = String(body.next);
    }
    expect(names).toEqual(["a-router", "b-router", "c-router"]);
  });

  it("finds adapters by prefix, label and backbone, with figures of their newest versions", async () => {
    const { get, registry } = await withAdapters();
    const report = { heldOut: { accuracy: 0.9, macroF1: 0.8 } };
    await publishAdapter(registry, { name: "b-spam", labels: ["no", "spam"], report });
    const names = async (query: string) =>
      (await get(`/v1/adapters?${query}`)).body.adapters?.map(({ name }) => name);
    expect(await names("prefix=b-")).toEqual(["b-router", "b-spam"]);
    expect(await names("label=spam&backbone=tiny")).toEqual(["b-spam"]);
    expect(await names("backbone=other")).toEqual([]);
    expect((await get("/v1/adapters?label=spam")).body.adapters).toMatchObject([
      { latestVersion: 1, labels: ["no", "spam"], metrics: { on: "heldOut", accuracy: 0.9, macroF1: 0.8 } },
    ]);
  });

  it("shows another tenant nothing", async () => {
    const { get, keys } = await withAdapters();
    expect(await get("/v1/adapters", keys.beta)).toEqual({
      status: 200,
      body: { adapters: [], has_more: false },
    });
  });

  it("lists an adapter's versions, newest first, page by page", async () => {
    const { get } = await withAdapters();
    const first = await get("/v1/adapters/b-router/versions?limit=1");
    expect(first.body).toMatchObject({ versions: [{ version: 2 }] });
    const second = await get(`/v1/adapters/b-router/versions?limit=1&after=${first.body.next}`);
    expect(second.body).toMatchObject({ versions: [{ version: 1 }] });
  });
});

describe("a version", () => {
  it("is told as its manifest has it, without the report, and of none but its tenant", async () => {
    const { send, registry, keys } = await createTestApp();
    const { manifest, digest } = await publishAdapter(registry, { name: "router", report: { long: "one" } });
    const response = await send("GET", "/v1/adapters/router/versions/1");
    expect(response.headers.get("cache-control")).toMatch(/^private/);
    const { report: _, mediaType, ...rest } = manifest;
    expect(await response.json()).toEqual({ ...rest, digest });
    const options = { headers: { "X-Request-Id": "same" } };
    const other = await createTestApp();
    const path = "/v1/adapters/router/versions/1";
    const others = await send("GET", path, undefined, { ...options, key: keys.beta });
    const missing = await other.send("GET", path, undefined, { ...options, key: other.keys.beta });
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
    expect((await send("GET", "/v1/adapters/router/versions/2")).status).toBe(404);
    expect((await send("GET", "/v1/adapters/router/versions/x")).status).toBe(400);
  });
});

describe("400", () => {
  it.each([
    "/v1/adapters?limit=0",
    "/v1/adapters?limit=201",
    "/v1/adapters?limit=1e1",
    "/v1/adapters?limit=",
    "/v1/adapters?after=",
    "/v1/adapters?prefix=..%2F",
    "/v1/adapters?label=",
    "/v1/adapters/a-router/versions?after=0",
    "/v1/adapters/a-router/versions?after=x",
    "/v1/adapters/..%2Fother/versions",
    "/v1/adapters/%E0%A4%A/versions",
    "/v1/adapters/__proto__/versions",
  ])("%s is refused", async (path) => {
    const { get } = await withAdapters();
    expect((await get(path)).status).toBe(400);
  });
});

describe("404", () => {
  it("another tenant's adapter is answered, byte by byte, like a missing one", async () => {
    const { send, keys } = await withAdapters();
    const empty = await createTestApp();
    const options = { headers: { "X-Request-Id": "same" } };
    const path = "/v1/adapters/a-router/versions";
    const others = await send("GET", path, undefined, { ...options, key: keys.beta });
    const missing = await empty.send("GET", path, undefined, { ...options, key: empty.keys.beta });
    expect(others.status).toBe(404);
    expect([...others.headers]).toEqual([...missing.headers]);
    expect(await others.text()).toBe(await missing.text());
  });
});
