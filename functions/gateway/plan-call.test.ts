import { Hono } from "hono";
import { expect, it } from "vitest";
import { CLASSIFY_MS_DEFAULT } from "#model";
import { parseTenantId } from "#registry";
import type { AppEnv } from "../app-env.ts";
import { bodyMsMaxOf, limitBody } from "../middleware/limit-body.ts";
import type { Call } from "./forward.ts";
import { planCall } from "./plan-call.ts";

const TIMEOUT_MS_MAX = 60_000;

/** What becomes of a request of the tenant alpha. */
async function plan(method: string, path: string, { body = "{}", headers = {} } = {}): Promise<Call> {
  const calls: Call[] = [];
  const app = new Hono<AppEnv>();
  app.use(limitBody(bodyMsMaxOf));
  app.all("*", async (c) => {
    c.set("tenant", parseTenantId("alpha"));
    c.set("requestId", "r-1");
    calls.push(await planCall(c, TIMEOUT_MS_MAX));
    return c.body(null);
  });
  const json = { "Content-Type": "application/json", ...headers };
  await app.request(path, { method, ...(method !== "GET" && { headers: json, body }) });
  const [call] = calls;
  if (!call) throw new Error(`${method} ${path} was not planned`);
  return call;
}

it.each(["/v1/classify", "/predict", "/models/router"])(
  "POST %s keeps nothing: it may be sent again, and a server is told how long there is",
  async (path) => {
    const { body, tellsTime, timeoutMs } = await plan("POST", path);
    expect(new TextDecoder().decode(body)).toBe("{}");
    expect([tellsTime, timeoutMs]).toEqual([true, CLASSIFY_MS_DEFAULT]);
  },
);

it.each([
  ["POST", "/v1/adapters"],
  ["POST", "/openai/v1/fine_tuning/jobs"],
  ["POST", "/v1/jobs/1/cancel"],
  ["PUT", "/v1/adapters/router/aliases/production"],
])("%s %s changes something: without a key to do it once by, it is sent once", async (method, path) => {
  expect(await plan(method, path)).toMatchObject({ tellsTime: false, timeoutMs: TIMEOUT_MS_MAX });
  expect((await plan(method, path)).body).toBeUndefined();
});

it("an Idempotency-Key makes a POST one that may be sent again, and nothing else", async () => {
  const headers = { "Idempotency-Key": "k-1" };
  expect((await plan("POST", "/openai/v1/fine_tuning/jobs", { headers })).body).toBeDefined();
  const put = await plan("PUT", "/v1/adapters/router/aliases/production", { headers });
  expect(put.body).toBeUndefined();
});

it("requests meet by the adapter that their path or their body names", async () => {
  const body = JSON.stringify({ adapterId: "router@canary", inputs: "x" });
  const keys = [
    (await plan("POST", "/v1/classify", { body })).key,
    (await plan("POST", "/models/router", { body: '{"inputs":"x"}' })).key,
    (await plan("POST", "/models/router%40canary", { body: '{"inputs":"x"}' })).key,
    (await plan("GET", "/v1/adapters/router/versions/1/export")).key,
  ];
  expect(new Set(keys)).toEqual(new Set(["alpha/router"]));
  expect((await plan("POST", "/predict", { body: '{"inputs":"x"}' })).key).toBe("alpha");
});

it("a time that is asked for is kept to, one that no server takes is its to refuse", async () => {
  const asking = (ms: string) => plan("POST", "/v1/classify", { headers: { "Softgate-Timeout-Ms": ms } });
  expect(await asking("1500")).toMatchObject({ timeoutMs: 1_500, tellsTime: true });
  expect(await asking("soon")).toMatchObject({ timeoutMs: TIMEOUT_MS_MAX, tellsTime: false });
});
