import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestHarness } from "wrangler";

const configPath = fileURLToPath(new URL("../wrangler.jsonc", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const origin = createServer((request, response) => answer(request, response));
const harness = createTestHarness();

beforeAll(async () => {
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  await harness.update({ root, workers: [worker(originUrl())] });
  await harness.listen();
});
afterAll(async () => {
  await harness.close();
  origin.closeAllConnections();
  origin.close();
});
beforeEach(() => {
  answer = (_request, response) => response.end("unset");
});

const worker = (ORIGIN_URL: string) => ({ configPath, vars: { ORIGIN_URL, ORIGIN_TIMEOUT_MS: "500" } });

function originUrl(): string {
  return `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
}

/** What the origin saw, and an answer of 201. */
function recordRequest(): Promise<{ request: IncomingMessage; body: string }> {
  return new Promise((resolve) => {
    answer = async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      response.writeHead(201, { "Content-Type": "application/json", "X-Request-Id": "of-the-origin" });
      response.end('{"id":"ds-1"}');
      resolve({ request, body });
    };
  });
}

describe("a request below /v1", () => {
  it("arrives with method, path, query, key and body, and its answer comes back", async () => {
    const seen = recordRequest();
    const response = await harness.fetch("/v1/datasets?a=1", {
      method: "POST",
      headers: { Authorization: "Bearer sg_secret", "Content-Type": "text/csv" },
      body: "text,label\nhello,greeting\n",
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: "ds-1" });
    const { request, body } = await seen;
    expect(request).toMatchObject({ method: "POST", url: "/v1/datasets?a=1" });
    expect(request.headers).toMatchObject({ authorization: "Bearer sg_secret", "content-type": "text/csv" });
    expect(body).toBe("text,label\nhello,greeting\n");
  });

  it("has one request id on the whole way: the client's when it is a plain one", async () => {
    const seen = recordRequest();
    const response = await harness.fetch("/v1/adapters", { headers: { "X-Request-Id": "client-7" } });
    expect(response.headers.get("x-request-id")).toBe("client-7");
    expect((await seen).request.headers["x-request-id"]).toBe("client-7");
  });

  it("gets a new request id when the client's is none or an odd one", async () => {
    const seen = recordRequest();
    const response = await harness.fetch("/v1/adapters", { headers: { "X-Request-Id": "a b" } });
    const id = response.headers.get("x-request-id");
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await seen).request.headers["x-request-id"]).toBe(id);
  });

  it("gets the origin's errors as they are", async () => {
    answer = (_request, response) => {
      response.writeHead(404, { "Content-Type": "application/problem+json" });
      response.end('{"code":"adapter_not_found"}');
    };
    const missing = await harness.fetch("/v1/adapters/none/versions");
    expect([missing.status, await missing.json()]).toEqual([404, { code: "adapter_not_found" }]);
  });
});

describe("a request that cannot be answered", () => {
  it("outside of /v1 is 404, and never reaches the origin", async () => {
    let reached = 0;
    answer = (_request, response) => {
      reached += 1;
      response.end();
    };
    await expectProblem("/livez", { status: 404, code: "route_not_found" });
    await expectProblem("/v1", { status: 404, code: "route_not_found" });
    expect(reached).toBe(0);
  });

  it("is 504 when the origin says nothing within its time", async () => {
    answer = () => undefined;
    await expectProblem("/v1/adapters", { status: 504, code: "origin_timeout" });
  });

  it("is 500 when ORIGIN_URL is no address", async () => {
    await harness.update({ root, workers: [worker("file:///etc/passwd")] });
    await expectProblem("/v1/adapters", { status: 500, code: "gateway_misconfigured" });
  });
});

async function expectProblem(path: string, problem: { status: number; code: string }): Promise<void> {
  const response = await harness.fetch(path, { headers: { "X-Request-Id": "r-1" } });
  expect(response.status).toBe(problem.status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({
    ...problem,
    type: `/errors/${problem.code}`,
    instance: path,
    requestId: "r-1",
  });
}
