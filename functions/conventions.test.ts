// What holds for all routes alike: where errors are explained, what may be cached, compressed or read from a page of
// another origin, and on what condition something is changed.
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createApp } from "./app.ts";
import { statusByCode } from "./status-by-code.ts";
import { BACKBONE, createTestApp, FakeJobs, fakeClassifier, publishAdapter } from "./test-app.ts";

const ALIAS = "/v1/adapters/router/aliases/production";

async function withAdapter(versions = 1) {
  const test = await createTestApp();
  for (let version = 0; version < versions; version += 1)
    await publishAdapter(test.registry, { name: "router" });
  return test;
}

describe("an error's type", () => {
  it("is a page that says what the code means and what to do, for every code that is answered", async () => {
    const { app } = await createTestApp();
    const { type } = (await (await app.request("/nothing")).json()) as { type: string };
    expect((await app.request(type)).status).toBe(200);
    for (const code of Object.keys(statusByCode)) {
      const response = await app.request(`/errors/${code}`);
      expect([code, response.status]).toEqual([code, 200]);
      const page = await response.text();
      expect(page).toContain("<h2>What to do</h2>");
      expect(page).not.toMatch(/[`]|\]\(/);
    }
  });

  it("of the gateway's own codes is there too, and of no other", async () => {
    const { app } = await createTestApp();
    expect((await app.request("/errors/origin_timeout")).status).toBe(200);
    for (const code of ["bad_usage", "nothing", "__proto__"])
      expect((await app.request(`/errors/${code}`)).status).toBe(404);
  });

  it("shows nothing as markup that stands in the page as text", async () => {
    const text = await readFile(new URL("../docs/errors.md", import.meta.url), "utf8");
    expect(text).toContain("Authorization: Bearer <key>");
    const { app } = await createTestApp();
    expect(await (await app.request("/errors/unauthenticated")).text()).toContain("Bearer &lt;key&gt;");
  });
});

describe("ETag", () => {
  it("a version that was read is 304, without a body, as long as it is there", async () => {
    const { send } = await withAdapter();
    for (const path of ["", "/export"]) {
      const url = `/v1/adapters/router/versions/1${path}`;
      const tag = (await send("GET", url)).headers.get("etag") ?? "";
      expect(tag).toMatch(/^"[^"]+"$/);
      const again = await send("GET", url, undefined, { headers: { "If-None-Match": tag } });
      expect([again.status, await again.text()]).toEqual([304, ""]);
      const other = await send("GET", url, undefined, { headers: { "If-None-Match": '"other"' } });
      expect(other.status).toBe(200);
    }
  });

  it("an alias moves only while it is what was read", async () => {
    const { send } = await withAdapter(3);
    const headers = { "If-Match": (await send("GET", ALIAS)).headers.get("etag") ?? "" };
    expect((await send("PUT", ALIAS, { version: 1 }, { headers })).status).toBe(200);
    const late = await send("PUT", ALIAS, { version: 2 }, { headers });
    expect(late.status).toBe(412);
    expect(await late.json()).toMatchObject({ code: "revision_changed" });
    expect((await send("POST", `${ALIAS}/rollback`, {}, { headers })).status).toBe(412);
    expect((await send("PUT", `${ALIAS}/protection`, { protected: true }, { headers })).status).toBe(412);
    expect(await (await send("GET", ALIAS)).json()).toMatchObject({ version: 1, protected: false });
  });

  it("that compression made weak is taken all the same", async () => {
    const { send } = await withAdapter(2);
    const tag = (await send("GET", ALIAS)).headers.get("etag");
    const headers = { "If-Match": `"other", W/${tag}` };
    expect((await send("PUT", ALIAS, { version: 1 }, { headers })).status).toBe(200);
  });

  it("a new alias is made only where there is none, and * means one that is there", async () => {
    const { send } = await withAdapter();
    const path = "/v1/adapters/router/aliases/candidate";
    expect((await send("PUT", path, { version: 1 }, { headers: { "If-Match": "*" } })).status).toBe(412);
    const isNew = { headers: { "If-None-Match": "*" } };
    expect((await send("PUT", path, { version: 1 }, isNew)).status).toBe(200);
    expect((await send("PUT", path, { version: 1 }, isNew)).status).toBe(412);
  });

  it("a retention changes only while it is what was read", async () => {
    const { send } = await withAdapter();
    const path = "/v1/adapters/router/retention";
    const headers = { "If-Match": (await send("GET", path)).headers.get("etag") ?? "" };
    const change = { retention: { keepVersions: 5 } };
    expect((await send("PUT", path, change, { headers })).status).toBe(200);
    expect((await send("PUT", path, { retention: null }, { headers })).status).toBe(412);
    expect(await (await send("GET", path)).json()).toMatchObject(change);
  });

  it.each([{ "If-Match": "router" }, { "If-Match": '"a" "b"' }, { "If-None-Match": '"a"' }])(
    "the condition %o is refused, not passed over",
    async (headers) => {
      const { send } = await withAdapter();
      expect((await send("PUT", ALIAS, { version: 1 }, { headers })).status).toBe(400);
    },
  );
});

describe("Cache-Control", () => {
  it.each([
    ["GET", "/v1/adapters/router/versions/1", "private, max-age=3600"],
    ["GET", "/v1/adapters", "private, no-cache"],
    ["GET", "/v1/adapters/none/versions", "no-store"],
    ["POST", "/v1/classify", "no-store"],
  ])("of %s %s is %s", async (method, path, value) => {
    const { send } = await withAdapter();
    const response = await send(method, path, method === "GET" ? undefined : {});
    expect(response.headers.get("cache-control")).toBe(value);
  });
});

describe("compression", () => {
  it("of a long answer, where the caller takes it", async () => {
    const { app } = await createTestApp();
    const response = await app.request("/openapi.json", { headers: { "Accept-Encoding": "br, gzip" } });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(response.headers.get("vary")).toContain("Accept-Encoding");
    const unpacked = gunzipSync(new Uint8Array(await response.arrayBuffer())).toString();
    expect(JSON.parse(unpacked)).toMatchObject({ openapi: "3.1.0" });
    expect((await app.request("/openapi.json")).headers.get("content-encoding")).toBeNull();
  });

  it("not of a short answer to texts, whose length is told instead", async () => {
    const { send, registry } = await createTestApp();
    await publishAdapter(registry, { name: "router" });
    const headers = { "Accept-Encoding": "gzip" };
    const ask = async (inputs: string[]) => {
      const response = await send("POST", "/v1/classify", { adapterId: "router", inputs }, { headers });
      expect(response.status).toBe(200);
      return response;
    };
    const short = await ask(["hello"]);
    expect(short.headers.get("content-encoding")).toBeNull();
    expect(short.headers.get("content-length")).toBe(`${(await short.arrayBuffer()).byteLength}`);
    const long = await ask(Array.from({ length: 100 }, () => "hello"));
    expect(long.headers.get("content-encoding")).toBe("gzip");
    expect(long.headers.get("content-length")).toBeNull();
  });
});

describe("CORS", () => {
  const ORIGIN = "https://app.example.com";
  const withOrigins = async (corsOrigins: readonly string[]) => {
    const { registry, keys } = await createTestApp();
    const services = { registry, classifier: fakeClassifier, jobs: new FakeJobs(), backbone: BACKBONE };
    return { app: createApp({ ...services, log: () => undefined }, { corsOrigins }), keys };
  };
  const preflight = (origin: string) => ({
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "PUT" },
  });

  it("pages of a configured origin may call, before a key is asked for, and read the headers that matter", async () => {
    const { app, keys } = await withOrigins([ORIGIN]);
    const answer = await app.request("/v1/adapters", preflight(ORIGIN));
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(answer.headers.get("access-control-allow-headers")).toContain("Idempotency-Key");
    const headers = { Origin: ORIGIN, Authorization: `Bearer ${keys.alpha}` };
    const listed = await app.request("/v1/adapters", { headers });
    expect(listed.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(listed.headers.get("access-control-expose-headers")).toContain("RateLimit");
    expect(listed.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("others may not, and none where none is configured", async () => {
    for (const origins of [[ORIGIN], []]) {
      const { app } = await withOrigins(origins);
      const answer = await app.request("/v1/adapters", preflight("https://other.example.com"));
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});
