import { describe, expect, it } from "vitest";
import { createTestApp } from "./test-app.ts";

describe("200", () => {
  it("GET / says what this is and where to go, without a key", async () => {
    const { app } = await createTestApp();
    const response = await app.request("/");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ name: "softgate", steps: expect.any(Array) });
  });

  it("GET /livez and /readyz answer without a key", async () => {
    const { app } = await createTestApp();
    expect(await (await app.request("/livez")).json()).toEqual({ status: "live" });
    expect(await (await app.request("/readyz")).json()).toEqual({ status: "ready" });
  });

  it("HEAD is answered like GET, without a body", async () => {
    const { app } = await createTestApp();
    const response = await app.request("/livez", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  it("every response carries the caller's request id when it is a plain one, else a new one", async () => {
    const { app } = await createTestApp();
    const idFor = async (given: string) =>
      (await app.request("/livez", { headers: { "X-Request-Id": given } })).headers.get("x-request-id");
    expect(await idFor("trace-7")).toBe("trace-7");
    expect(await idFor("<script>")).toBe("request-1");
    expect(await idFor("a".repeat(129))).toBe("request-2");
  });
});

describe("404 and 405", () => {
  it("a path that is not there is a problem document", async () => {
    const { send } = await createTestApp();
    const response = await send("GET", "/v1/nothing");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: "/errors/route_not_found",
      title: "Route not found",
      status: 404,
      detail: "There is nothing at this path; see GET /.",
      instance: "/v1/nothing",
      requestId: "request-1",
      code: "route_not_found",
    });
  });

  it("a method that a path does not answer is a 405 that names the ones it does", async () => {
    const { send } = await createTestApp();
    const response = await send("PUT", "/v1/adapters", {});
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
    expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
  });
});

describe("500 and 503", () => {
  const broken = async (error: Error) => {
    const test = await createTestApp();
    test.registry.listAdapters = () => Promise.reject(error);
    return test;
  };

  it("an unknown error shows the caller nothing of itself, and the log all of it", async () => {
    const { send, lines } = await broken(new Error("password hunter2", { cause: new Error("disk") }));
    const response = await send("GET", "/v1/adapters");
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: "internal_error", requestId: "request-1" });
    expect(text).not.toContain("hunter2");
    expect(lines[0]).toMatchObject({ event: "error", requestId: "request-1" });
    expect(JSON.stringify(lines[0])).toMatch(/hunter2.*disk/);
  });

  it("a store that does not answer is 503 with Retry-After, and its address stays in the log", async () => {
    const { RegistryError } = await import("#registry");
    const { send, app } = await broken(new RegistryError("store_unreachable", "no answer from 10.0.0.7"));
    for (const response of [await send("GET", "/v1/adapters"), await app.request("/readyz")]) {
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("5");
      expect(await response.text()).not.toContain("10.0.0.7");
    }
  });

  it("many readiness probes cost one read of the store", async () => {
    const test = await createTestApp();
    let reads = 0;
    test.registry.listAdapters = async () => {
      reads += 1;
      return { adapters: [] };
    };
    for (let probe = 0; probe < 5; probe += 1) await test.app.request("/readyz");
    expect(reads).toBe(1);
  });
});

describe("the log", () => {
  it("has one line per request, with tenant, route, status and code", async () => {
    const { send, lines } = await createTestApp();
    await send("GET", "/v1/adapters/missing/versions");
    expect(lines).toEqual([
      {
        event: "request",
        requestId: "request-1",
        method: "GET",
        route: "/v1/adapters/:name/versions",
        status: 404,
        durationMs: 0,
        tenant: "alpha",
        keyId: expect.any(String),
        code: "adapter_not_found",
      },
    ]);
  });

  it("holds no text, no key and nothing of the path that a caller wrote", async () => {
    const { send, lines, keys } = await createTestApp();
    await send("POST", "/v1/classify", { adapterId: "secret-name", inputs: "a private text" });
    await send("POST", "/v1/classify", '{"a private text');
    await send("GET", "/v1/a%20private%20text?key=a-private-text");
    const log = JSON.stringify(lines);
    expect(lines).toHaveLength(3);
    for (const secret of ["private", "secret-name", keys.alpha]) expect(log).not.toContain(secret);
  });
});
