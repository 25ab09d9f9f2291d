import { describe, expect, it } from "vitest";
import { createTestApp } from "../test-app.ts";

const MEBIBYTE = 1024 * 1024;

/** Endless until cancelled; says how much of it was read. */
function endlessBody() {
  const chunk = new Uint8Array(MEBIBYTE).fill(97);
  const seen = { bytes: 0, isCancelled: false };
  const stream = new ReadableStream({
    pull(controller) {
      if (seen.bytes >= 100 * MEBIBYTE) return controller.close();
      seen.bytes += chunk.length;
      controller.enqueue(chunk);
    },
    cancel() {
      seen.isCancelled = true;
    },
  });
  return { stream, seen };
}

describe("413", () => {
  it.each([
    ["/v1/classify", "application/json", 1],
    ["/v1/datasets", "text/csv", 64],
  ])("%s cuts a streaming body off at its limit", async (path, contentType, mebibytesMax) => {
    const { app, keys } = await createTestApp();
    const { stream, seen } = endlessBody();
    const response = await app.request(path, {
      method: "POST",
      headers: { Authorization: `Bearer ${keys.alpha}`, "Content-Type": contentType },
      body: stream,
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      code: "payload_too_large",
      detail: `The body is larger than ${mebibytesMax} MiB, the limit here.`,
    });
    expect(seen.isCancelled).toBe(true);
    expect(seen.bytes).toBeLessThanOrEqual((mebibytesMax + 3) * MEBIBYTE);
  });

  it("refuses a declared length above the limit before it reads anything", async () => {
    const { send } = await createTestApp();
    const response = await send("POST", "/v1/classify", "{}", {
      headers: { "Content-Length": String(MEBIBYTE + 1) },
    });
    expect(response.status).toBe(413);
  });

  it("counts a body that is longer than it declared", async () => {
    const { send } = await createTestApp();
    const body = JSON.stringify({ adapterId: "x", inputs: "a".repeat(2 * MEBIBYTE) });
    const response = await send("POST", "/v1/classify", body, { headers: { "Content-Length": "10" } });
    expect(response.status).toBe(413);
  });
});

describe("400", () => {
  it("a body that breaks off is the caller's fault", async () => {
    const { app, keys } = await createTestApp();
    const response = await app.request("/v1/classify", {
      method: "POST",
      headers: { Authorization: `Bearer ${keys.alpha}`, "Content-Type": "application/json" },
      body: new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }),
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: "The body ended before it was complete." });
  });
});
