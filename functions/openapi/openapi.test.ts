// The OpenAPI document and the app say the same. After a change that was meant: npm test -- functions/openapi -u
import { expect, it } from "vitest";
import { createTestApp } from "../test-app.ts";
import { createOpenApiDocument } from "./create-document.ts";
import { operations } from "./operations.ts";

it("every route of the app is described, and nothing is described that is no route", async () => {
  const { app } = await createTestApp();
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const found = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(operations).sort()).toEqual([...found].sort());
});

it("each operation has an id of its own", () => {
  const ids = Object.values(operations).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

it("docs/openapi.json is the document that the schemas make", async () => {
  const document = `${JSON.stringify(createOpenApiDocument(), undefined, 2)}\n`;
  await expect(document).toMatchFileSnapshot("../../docs/openapi.json");
});

it("GET /openapi.json answers the same document, without a key", async () => {
  const { app } = await createTestApp();
  const response = await app.request("/openapi.json");
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual(JSON.parse(JSON.stringify(createOpenApiDocument())));
});
