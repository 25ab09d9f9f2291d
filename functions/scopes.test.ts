// Every route and every scope: which lets it be asked. A route without an entry here fails, and so does an entry
// without a route.
import { beforeAll, describe, expect, it } from "vitest";
import { KEY_SCOPES, type KeyScope } from "#registry";
import { operations } from "./openapi/operations.ts";
import { createKey, createTestApp, type TestApp } from "./test-app.ts";

/** Besides admin, which lets all of them be asked. */
const scopesByRoute: Record<string, readonly KeyScope[]> = {
  "GET /v1/datasets": ["read", "train"],
  "POST /v1/datasets": ["train"],
  "POST /v1/datasets/uploads": ["train"],
  "POST /v1/datasets/:id/complete": ["train"],
  "POST /v1/adapters": ["train"],
  "GET /v1/jobs": ["read", "train"],
  "GET /v1/jobs/:id": ["read", "train"],
  "GET /v1/jobs/:id/events": ["read", "train"],
  "POST /v1/jobs/:id/cancel": ["train"],
  "POST /v1/jobs/:id/retry": ["train"],
  "GET /v1/adapters": ["read"],
  "GET /v1/adapters/:name/versions": ["read"],
  "GET /v1/adapters/:name/versions/:version": ["read"],
  "GET /v1/adapters/:name/versions/:version/report": ["read"],
  "GET /v1/adapters/:name/versions/:version/export": ["read"],
  "POST /v1/adapters/:name/import": ["train"],
  "DELETE /v1/adapters/:name": [],
  "POST /v1/adapters/:name/restore": [],
  "DELETE /v1/adapters/:name/versions/:version": [],
  "POST /v1/adapters/:name/versions/:version/restore": [],
  "GET /v1/adapters/:name/retention": ["read"],
  "PUT /v1/adapters/:name/retention": [],
  "GET /v1/adapters/:name/history": ["read"],
  "GET /v1/adapters/:name/aliases": ["read"],
  "GET /v1/adapters/:name/aliases/:alias": ["read"],
  "PUT /v1/adapters/:name/aliases/:alias": [],
  "POST /v1/adapters/:name/aliases/:alias/rollback": [],
  "PUT /v1/adapters/:name/aliases/:alias/protection": [],
  "GET /v1/adapters/:name/feedback": ["read", "train"],
  "POST /v1/adapters/:name/feedback": ["classify", "train"],
  "DELETE /v1/adapters/:name/feedback/:id": ["train"],
  "POST /v1/adapters/:name/retrain": ["train"],
  "GET /v1/adapters/:name/shadow": ["read"],
  "PUT /v1/adapters/:name/shadow": [],
  "GET /v1/webhooks": [],
  "POST /v1/webhooks": [],
  "DELETE /v1/webhooks/:id": [],
  "GET /v1/usage": ["read"],
  "GET /v1/audit": [],
  "GET /v1/keys": [],
  "POST /v1/keys": [],
  "POST /v1/keys/:id/rotate": [],
  "DELETE /v1/keys/:id": [],
  "POST /v1/classify": ["classify"],
  "POST /models/:adapterId": ["classify"],
  "POST /predict": ["classify"],
  "POST /openai/v1/files": ["train"],
  "GET /openai/v1/files/:id": ["read", "train"],
  "POST /openai/v1/fine_tuning/jobs": ["train"],
  "GET /openai/v1/fine_tuning/jobs": ["read", "train"],
  "GET /openai/v1/fine_tuning/jobs/:id": ["read", "train"],
  "GET /openai/v1/fine_tuning/jobs/:id/events": ["read", "train"],
  "POST /openai/v1/fine_tuning/jobs/:id/cancel": ["train"],
  "GET /openai/v1/models": ["read"],
  "GET /openai/v1/models/:id": ["read"],
  "DELETE /openai/v1/models/:id": [],
};

const openRoutes = Object.entries(operations).flatMap(([route, { isOpen }]) => (isOpen ? [route] : []));

let test: TestApp;
let keys: Record<KeyScope, string>;

beforeAll(async () => {
  test = await createTestApp();
  const made = KEY_SCOPES.map(async (scope) => [scope, await createKey(test.registry, "alpha", [scope])]);
  keys = Object.fromEntries(await Promise.all(made));
});

it("the table has every route of the app, and no other", () => {
  const routes = test.app.routes.filter(({ method }) => method !== "ALL");
  const names = [...new Set(routes.map(({ method, path }) => `${method} ${path}`))];
  expect(names.sort()).toEqual([...openRoutes, ...Object.keys(scopesByRoute)].sort());
});

describe.each(Object.entries(scopesByRoute))("%s", (route, scopes) => {
  it.each(KEY_SCOPES)("with the scope %s alone", async (scope) => {
    const [method = "", pattern = ""] = route.split(" ");
    const path = pattern.replace(":version", "1").replace(/:\w+/g, "none");
    const body = method === "GET" || method === "DELETE" ? undefined : {};
    const response = await test.send(method, path, body, { key: keys[scope] });
    const named = scopes[0] ?? "admin";
    if (scope === "admin" || scopes.includes(scope)) return expect(response.status).not.toBe(403);
    expect(response.status).toBe(403);
    const { code, error } = (await response.json()) as { code?: string; error?: { code: string } };
    expect(code ?? error?.code).toBe(`scope_${named}_missing`);
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer realm="softgate", error="insufficient_scope", scope="${named}"`,
    );
  });
});
