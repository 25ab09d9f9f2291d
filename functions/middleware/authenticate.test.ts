import { describe, expect, it } from "vitest";
import { createTestApp } from "../test-app.ts";

describe("401", () => {
  it("a request without a key is told how to send one", async () => {
    const { app } = await createTestApp();
    const response = await app.request("/v1/adapters");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="softgate"');
    expect(await response.json()).toMatchObject({ code: "unauthenticated", status: 401 });
  });

  it("malformed, unknown and revoked keys get one and the same answer", async () => {
    const { app, registry, keys } = await createTestApp();
    const owner = await registry.authenticate(keys.alpha);
    await registry.revokeKey(owner?.keyId ?? "");
    const answers = new Set<string>();
    for (const authorization of [`Bearer ${keys.alpha}`, "Bearer x", "Basic YTpi", "Bearer", "Bearer a b"]) {
      const response = await app.request("/v1/adapters", {
        headers: { Authorization: authorization, "X-Request-Id": "same" },
      });
      answers.add(`${response.status} ${response.headers.get("www-authenticate")} ${await response.text()}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toMatch(/^401 Bearer realm="softgate", error="invalid_token" /);
  });

  it("comes before 404 and 405, so that a stranger cannot list the routes", async () => {
    const { app } = await createTestApp();
    expect((await app.request("/v1/nothing")).status).toBe(401);
    expect((await app.request("/v1/jobs/job-1")).status).toBe(401);
  });

  it("never reads the body of a request without a key", async () => {
    const { app } = await createTestApp();
    let pulled = 0;
    const body = new ReadableStream(
      { pull: (controller) => controller.enqueue(new Uint8Array(++pulled)) },
      { highWaterMark: 0 },
    );
    const response = await app.request("/v1/datasets", {
      method: "POST",
      body,
      duplex: "half",
    } as RequestInit);
    expect([response.status, pulled]).toEqual([401, 0]);
  });
});

describe("200", () => {
  it("the scheme's case does not matter", async () => {
    const { app, keys } = await createTestApp();
    const response = await app.request("/v1/adapters", {
      headers: { Authorization: `bearer ${keys.alpha}` },
    });
    expect(response.status).toBe(200);
  });
});
