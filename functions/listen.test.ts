import { request } from "node:http";
import { afterEach, expect, it } from "vitest";
import { parseAdapterName } from "#registry";
import { type Listener, listen } from "./listen.ts";
import { alpha, createTestApp, publishAdapter } from "./test-app.ts";

const listeners: Listener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

async function start(
  fetch: (request: Request) => Response | Promise<Response>,
  port = 0,
  drainMsMax = 1_000,
) {
  const listener = await listen(fetch, { host: "127.0.0.1", port, drainMsMax });
  listeners.push(listener);
  return listener;
}

it("answers on the address it gives for port 0", async () => {
  const { app } = await createTestApp();
  const { url } = await start(app.fetch);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: "live" });
});

it("a port in use is said plainly, with the option that helps", async () => {
  const { url } = await start(() => new Response());
  const port = Number(new URL(url).port);
  await expect(listen(() => new Response(), { host: "127.0.0.1", port })).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is in use. Choose another with --port; 0 takes any free one.`,
  );
});

it("cuts off 100 MB that stream in over a socket, and answers 413", async () => {
  const { app, keys } = await createTestApp();
  const { url } = await start(app.fetch);
  const { status, sentBytes } = await stream(`${url}/v1/classify`, keys.alpha, 100_000_000);
  expect(status).toBe(413);
  expect(sentBytes).toBeLessThan(100_000_000);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

/** Writes until the response comes. */
function stream(
  url: string,
  key: string,
  bytes: number,
): Promise<{ status: number | undefined; sentBytes: number }> {
  return new Promise((resolve) => {
    const chunk = new Uint8Array(65_536).fill(97);
    let sentBytes = 0;
    let status: number | undefined;
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const outgoing = request(url, { method: "POST", headers }, (response) => {
      status = response.statusCode;
      response.resume();
      outgoing.destroy();
    });
    const write = () => {
      while (sentBytes < bytes && status === undefined && !outgoing.destroyed) {
        sentBytes += chunk.length;
        if (!outgoing.write(chunk)) return;
      }
      if (sentBytes >= bytes) outgoing.end();
    };
    outgoing.on("drain", write);
    outgoing.on("error", () => undefined);
    outgoing.on("close", () => resolve({ status, sentBytes }));
    write();
  });
}

it("close() waits for a request under way", async () => {
  const arrived = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const hour = 3_600_000; // Waiting for the bound would fail the test: the answer must end the wait.
  const listener = await start(
    () => {
      arrived.resolve();
      return answer.promise;
    },
    0,
    hour,
  );
  const response = fetch(listener.url);
  await arrived.promise;
  const closed = listener.close();
  answer.resolve(new Response("done"));
  expect(await (await response).text()).toBe("done");
  await closed;
  await expect(fetch(listener.url)).rejects.toThrow();
});

it("close() cuts off a request that takes longer than the bound", async () => {
  const arrived = Promise.withResolvers<void>();
  const never = new Promise<Response>(() => undefined);
  const listener = await start(
    () => {
      arrived.resolve();
      return never;
    },
    0,
    10,
  );
  const response = fetch(listener.url).catch(() => "cut off");
  await arrived.promise;
  await listener.close();
  expect(await response).toBe("cut off");
});

it("a POST without a body is taken where a body may be left out, with an Idempotency-Key too", async () => {
  const { app, keys, registry } = await createTestApp();
  const { url } = await start(app.fetch);
  for (const name of ["router", "filter", "topics"]) {
    await publishAdapter(registry, { name });
    await registry.deleteAdapter(alpha, parseAdapterName(name));
  }
  const Authorization = `Bearer ${keys.alpha}`;
  for (const [name, headers] of [
    ["router", {}],
    ["filter", { "Idempotency-Key": "monday" }],
    ["topics", { "Content-Type": "application/json" }],
  ] as const) {
    const init = { method: "POST", headers: { Authorization, ...headers } };
    expect((await fetch(`${url}/v1/adapters/${name}/restore`, init)).status).toBe(200);
  }
});
