import { describe, expect, it } from "vitest";
import { TrainerError } from "#trainer/job";
import { createTestApp } from "../../test-app.ts";

const url = "https://example.com/hook";

describe("201", () => {
  it("tells the secret once, and of all ends unless some are named", async () => {
    const { send } = await createTestApp();
    const created = await send("POST", "/v1/webhooks", { url });
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe("/v1/webhooks/webhook-1");
    const all = ["job.succeeded", "job.failed", "job.cancelled"];
    expect(await created.json()).toMatchObject({
      url,
      events: all,
      secret: expect.stringMatching(/^whsec_/),
    });
    await send("POST", "/v1/webhooks", { url, events: ["job.failed", "job.failed"] });
    const list = await (await send("GET", "/v1/webhooks")).json();
    expect(list).toMatchObject({
      webhooks: [{ id: "webhook-1" }, { id: "webhook-2", events: ["job.failed"] }],
      has_more: false,
    });
    expect(JSON.stringify(list)).not.toContain("whsec_");
  });
});

describe("204", () => {
  it("removes it", async () => {
    const { send } = await createTestApp();
    await send("POST", "/v1/webhooks", { url });
    expect((await send("DELETE", "/v1/webhooks/webhook-1")).status).toBe(204);
    expect(await (await send("GET", "/v1/webhooks")).json()).toMatchObject({ webhooks: [] });
  });
});

describe("400", () => {
  it.each([
    ["no URL", {}],
    ["an event that there is not", { url, events: ["job.begun"] }],
    ["no event", { url, events: [] }],
    ["a secret of one's own", { url, secret: "s" }],
  ])("refuses %s", async (_, body) => {
    const response = await (await createTestApp()).send("POST", "/v1/webhooks", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("says why a URL is refused", async () => {
    const { send, jobs } = await createTestApp();
    jobs.webhooks.create = () =>
      Promise.reject(new TrainerError("webhook_url_refused", "Begin with https://."));
    const response = await send("POST", "/v1/webhooks", { url: "http://10.0.0.1" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "webhook_url_refused",
      detail: "Begin with https://.",
    });
  });
});

describe("404", () => {
  it("a webhook of another tenant is as missing as one that never was", async () => {
    const { send, keys } = await createTestApp();
    await send("POST", "/v1/webhooks", { url });
    const options = { key: keys.beta, headers: { "X-Request-Id": "same" } };
    const others = await send("DELETE", "/v1/webhooks/webhook-1", undefined, options);
    const missing = await (await createTestApp()).send("DELETE", "/v1/webhooks/webhook-1", undefined, {
      headers: options.headers,
    });
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
    expect(await (await send("GET", "/v1/webhooks")).json()).toMatchObject({
      webhooks: [{ id: "webhook-1" }],
    });
  });
});
