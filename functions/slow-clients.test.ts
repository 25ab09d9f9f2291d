// Clients that hold a connection and send next to nothing, over real sockets: each is cut off, and others are answered.
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createApp } from "./app.ts";
import { HEADERS_BYTES_MAX, type Listener, listen } from "./listen.ts";
import { BACKBONE, createTestApp, FakeJobs, fakeClassifier } from "./test-app.ts";

const SLOW_MS = 200;

let listener: Listener | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener?.close();
});

/** A server with little patience, and a key of it. */
async function start() {
  const { registry, keys } = await createTestApp();
  const services = { registry, classifier: fakeClassifier, jobs: new FakeJobs(), backbone: BACKBONE };
  const app = createApp({ ...services, log: () => undefined }, { bodyMsMaxOf: () => SLOW_MS });
  listener = await listen(app.fetch, { host: "127.0.0.1", port: 0, headersMsMax: SLOW_MS });
  return { url: listener.url, port: Number(new URL(listener.url).port), key: keys.alpha };
}

/** Sends the text, then a byte now and then until the server closes; all that it said. */
async function drip(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    answer += chunk;
  });
  socket.on("error", () => undefined);
  socket.write(text);
  const dripping = setInterval(() => socket.write("a"), SLOW_MS / 10);
  // Not once(): a connection that is reset has an error, and closes all the same.
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(dripping);
  return answer;
}

it("headers that do not end are cut off with 408, and others are answered meanwhile", async () => {
  const { url, port } = await start();
  const slow = Array.from({ length: 50 }, () => drip(port, "GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: "));
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

it.each([
  ["/v1/classify", "application/json", "Content-Length: 1000000"],
  ["/v1/classify", "application/json", "Transfer-Encoding: chunked"],
  ["/v1/datasets", "text/csv", "Content-Length: 1000000"],
])(
  "a body of %s (%s, %s) that drips in is answered 408, and its connection closed",
  async (path, type, length) => {
    const { port, key } = await start();
    const head = [
      `POST ${path} HTTP/1.1`,
      "Host: a",
      `Authorization: Bearer ${key}`,
      `Content-Type: ${type}`,
      length,
    ];
    const body = length.startsWith("Transfer") ? "ffff\r\n{" : "{";
    const answer = await drip(port, `${head.join("\r\n")}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain("body_too_slow");
  },
);

it("headers that are too long are refused with 431", async () => {
  const { port } = await start();
  const long = `GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: ${"a".repeat(2 * HEADERS_BYTES_MAX)}\r\n\r\n`;
  expect(await drip(port, long)).toMatch(/^HTTP\/1\.1 431 /);
});
