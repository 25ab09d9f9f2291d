import { expect, it } from "vitest";
import { createTestApp } from "../../test-app.ts";

it("the reference is a page without a key that loads nothing from another host, by its policy too", async () => {
  const { app } = await createTestApp();
  const response = await app.request("/docs");
  expect(response.status).toBe(200);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/https?:|\*/);
  const page = await response.text();
  expect([...page.matchAll(/(?:src|href|data-url)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
    "/openapi.json",
    "/docs/scalar.js",
  ]);
});

it("the script of the reference is served by the server itself", async () => {
  const { app } = await createTestApp();
  const response = await app.request("/docs/scalar.js");
  expect(response.headers.get("content-type")).toMatch(/^text\/javascript/);
  const script = await response.text();
  expect(script.length).toBeGreaterThan(1_000_000);
  expect(script).toContain("api-reference");
});
