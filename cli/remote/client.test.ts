// Against a server on this machine that answers as each test says.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createClient } from "./client.ts";

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const client = (signal = new AbortController().signal) =>
  createClient({ url: urlOf(), key: "sg_key" }, signal);

it("sends the key and the query, and reads JSON", async () => {
  answer = (_request, response) => response.end('{"a":1}');
  expect(await client().get("/v1/adapters", { prefix: "a&b", after: undefined })).toEqual({ a: 1 });
  expect(asked).toEqual(["GET /v1/adapters?prefix=a%26b Bearer sg_key"]);
});

it("throws what the server says, with its own code", async () => {
  answer = (_request, response) =>
    response.writeHead(404).end('{"code":"adapter_not_found","detail":"There is none."}');
  await expect(client().get("/")).rejects.toMatchObject({
    ...{ code: "adapter_not_found", publicMessage: "There is none.", status: 404 },
  });
});

it("waits as long as the server says and sends again what it did not take, but not for ever", async () => {
  let refusals = 2;
  const refuse = (response: ServerResponse, seconds: string) =>
    response
      .writeHead(429, { "Retry-After": seconds })
      .end('{"code":"request_rate_exceeded","detail":"Later."}');
  answer = (_request, response) => {
    refusals -= 1;
    if (refusals >= 0) refuse(response, "0");
    else response.end("{}");
  };
  expect(await client().send("POST", "/v1/adapters", {})).toEqual({});
  expect(asked).toHaveLength(3);
  answer = (_request, response) => refuse(response, "0");
  await expect(client().get("/")).rejects.toMatchObject({ code: "request_rate_exceeded" });
  expect(asked).toHaveLength(3 + 11);
  answer = (_request, response) => refuse(response, "3600");
  await expect(client().get("/")).rejects.toMatchObject({ status: 429 });
  expect(asked).toHaveLength(3 + 11 + 1);
});

it("a server without room is asked again to classify, and for nothing that it may have done", async () => {
  answer = (_request, response) => {
    if (asked.length === 1) response.writeHead(503, { "Retry-After": "0" }).end("{}");
    else response.end("{}");
  };
  expect(await client().send("POST", "/v1/classify", {})).toEqual({});
  expect(asked).toHaveLength(2);
  answer = (_request, response) =>
    response
      .writeHead(503, { "Retry-After": "0" })
      .end('{"code":"store_unreachable","detail":"The store does not answer."}');
  await expect(client().send("POST", "/v1/adapters", {})).rejects.toMatchObject({ status: 503 });
  expect(asked).toHaveLength(3);
});

it("never follows a redirect, which could lead the key elsewhere", async () => {
  answer = (_request, response) => response.writeHead(307, { Location: `${urlOf()}/elsewhere` }).end();
  await expect(client().get("/v1/usage")).rejects.toMatchObject({ code: "server_unreachable" });
  expect(asked).toHaveLength(1);
});

it.each(["<html>hello</html>", "", '"text"'])(
  "of an answer that is no object (%j) something is said",
  async (body) => {
    answer = (_request, response) => response.writeHead(502).end(body);
    await expect(client().get("/")).rejects.toMatchObject({
      code: "server_unreachable",
      publicMessage: expect.stringContaining("502"),
    });
  },
);

it("ends when it is interrupted, also while it waits", async () => {
  const controller = new AbortController();
  answer = (_request, response) => {
    response.writeHead(429, { "Retry-After": "60" }).end("{}");
    controller.abort();
  };
  await expect(client(controller.signal).get("/")).rejects.toMatchObject({ name: "AbortError" });
});
