import { expect, it } from "vitest";
import { alpha, createTestApp, publishAdapter } from "../../test-app.ts";

it("200: what the tenant of the key has, and may have", async () => {
  const { registry, send, keys } = await createTestApp();
  await registry.setTenantLimits(alpha, { adapters: 2 });
  await publishAdapter(registry, { name: "router" });
  const usage = await (await send("GET", "/v1/usage")).json();
  expect(usage).toMatchObject({ adapters: { used: 1, limit: 2 }, bytes: { used: expect.any(Number) } });
  const others = await (await send("GET", "/v1/usage", undefined, { key: keys.beta })).json();
  expect(others).toMatchObject({ adapters: { used: 0, limit: 10_000 }, bytes: { used: 0 } });
});

it("401: without a key nothing is told", async () => {
  const { app } = await createTestApp();
  expect((await app.request("/v1/usage")).status).toBe(401);
});

it("409: a training for which there is no room is refused before it begins, with limit and use", async () => {
  const { registry, app, send, keys } = await createTestApp();
  const upload = () =>
    app.request("/v1/datasets", {
      method: "POST",
      headers: { Authorization: `Bearer ${keys.alpha}`, "Content-Type": "text/csv" },
      body: `text,label\n${Array.from({ length: 8 }, (_, row) => `text ${row},label ${row % 2}\n`).join("")}`,
    });
  const { id } = (await (await upload()).json()) as { id: string };
  await registry.setTenantLimits(alpha, { adapters: 0, bytes: 0 });
  const response = await send("POST", "/v1/adapters", { name: "router", datasetId: id });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({
    code: "quota_exceeded",
    detail: expect.stringMatching(/may have 0 adapters, have 0, and this needs 1 more\. Delete/),
  });
});
