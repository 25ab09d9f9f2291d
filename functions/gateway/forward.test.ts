// In Node, before servers that misbehave as none of ours does; test/gateway.test.ts is in workerd, before real ones.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { forward } from "./forward.ts";
import { Servers } from "./servers.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Servers in the order in which they are asked, and what each was asked. */
async function serversOf(...answers: Answer[]) {
  const asked: IncomingMessage[] = [];
  let turn = 0;
  const urls = await Promise.all(
    answers.map(async () => {
      const server = createServer((request, response) => {
        asked.push(request);
        // Whichever comes first has the first answer.
        answers[turn++ % answers.length]?.(request, response);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }),
  );
  const servers = new Servers(
    urls.map((url) => ({ name: url.origin, url, fetch: (request) => fetch(request) })),
  );
  return { servers, asked: () => asked };
}

const lines: Record<string, unknown>[] = [];
const log = (event: Record<string, unknown>) => void lines.push(event);

function call(method: string, options: { body?: string; timeoutMs?: number } = {}) {
  const { body, timeoutMs = 10_000 } = options;
  const request = new Request("http://gateway.example/v1/x?a=1", {
    method,
    ...(method === "PUT" && { body: "put" }),
  });
  const read = body === undefined ? {} : { body: new TextEncoder().encode(body) };
  return { request, key: "key", requestId: "r-1", timeoutMs, tellsTime: true, ...read };
}

const JSON_OF_A_SERVER = { "X-Request-Id": "r-1", "Content-Type": "application/json" };
const good: Answer = (_request, response) => response.writeHead(200, JSON_OF_A_SERVER).end("good");
const cut: Answer = (_request, response) => response.destroy();

it.each<[string, Answer]>([
  ["cuts the connection", cut],
  [
    "cuts its answer off",
    (_request, response) => {
      response.writeHead(200, { ...JSON_OF_A_SERVER, "Content-Length": "100" }).write("goo");
      response.socket?.destroySoon();
    },
  ],
  ["has no room", (_request, response) => response.writeHead(503, { "X-Request-Id": "r-1" }).end()],
  [
    "is not there, as what stands before it says",
    (_request, response) => response.writeHead(530).end("error"),
  ],
])("where a server %s, what changes nothing is sent to another, body and all", async (_name, bad) => {
  const { servers, asked } = await serversOf(bad, good);
  const answer = await forward(call("POST", { body: "texts" }), { servers, log });
  expect([answer.status, await answer.text()]).toEqual([200, "good"]);
  const [first, second] = asked();
  expect([first?.url, second?.url]).toEqual(["/v1/x?a=1", "/v1/x?a=1"]);
  expect(second?.headers["content-length"]).toBe("5");
});

it("what may have changed something is never sent twice", async () => {
  const { servers, asked } = await serversOf(cut, good);
  await expect(forward(call("PUT"), { servers, log })).rejects.toMatchObject({ code: "origin_unreachable" });
  expect(asked()).toHaveLength(1);
});

it("a server's own refusal is passed on where no other does better", async () => {
  const refuse: Answer = (_request, response) =>
    response.writeHead(503, { "X-Request-Id": "r-1", "Retry-After": "3" }).end("full");
  const { servers } = await serversOf(refuse, refuse);
  const answer = await forward(call("GET"), { servers, log });
  expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([503, "3", "full"]);
});

it("a server is told how long there is, and each after the first has less", async () => {
  const { servers, asked } = await serversOf(
    (_request, response) => setTimeout(() => response.destroy(), 30),
    good,
  );
  await forward(call("POST", { body: "texts", timeoutMs: 5_000 }), { servers, log });
  const [first = 0, second = 0] = asked().map(({ headers }) => Number(headers["softgate-timeout-ms"]));
  expect(first).toBeLessThanOrEqual(5_000);
  expect(second).toBeLessThan(first);
  expect(second).toBeGreaterThan(0);
});

it("past its time a request is answered, whatever the servers do", async () => {
  const { servers } = await serversOf(() => undefined);
  const late = forward(call("GET", { timeoutMs: 50 }), { servers, log });
  await expect(late).rejects.toMatchObject({ code: "origin_timeout" });
});

it("a request that was too late is no longer counted as one that its server has", async () => {
  const { servers } = await serversOf(
    () => undefined,
    () => undefined,
  );
  const home = servers.take("key", new Set());
  if (home) servers.release(home, "answered");
  for (let late = 0; late < 3; late++) {
    await expect(forward(call("GET", { timeoutMs: 20 }), { servers, log })).rejects.toThrow();
  }
  expect(servers.take("key", new Set())?.name).toBe(home?.name);
});

it("a redirect is the client's to follow: its key goes to no other host", async () => {
  const { servers } = await serversOf((_request, response) =>
    response.writeHead(307, { "X-Request-Id": "r-1", Location: "https://elsewhere.example/" }).end(),
  );
  const answer = await forward(call("GET"), { servers, log });
  expect([answer.status, answer.headers.get("location")]).toEqual([307, "https://elsewhere.example/"]);
});

it("events go on as they come, as does all that is no JSON", async () => {
  let end: () => void = () => undefined;
  const { servers } = await serversOf((_request, response) => {
    response
      .writeHead(200, { "X-Request-Id": "r-1", "Content-Type": "text/event-stream" })
      .write("data: 1\n\n");
    end = () => response.end();
  });
  const answer = await forward(call("GET"), { servers, log });
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("data: 1\n\n");
  end();
  expect((await reader?.read())?.done).toBe(true);
});
