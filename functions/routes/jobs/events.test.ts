// Over a real server where a connection matters; the events are read by a parser that clients use.
import { EventSourceParserStream } from "eventsource-parser/stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobEvent, JobEventData } from "#trainer/job";
import { type Listener, listen } from "../../listen.ts";
import { createTestApp, type TestApp } from "../../test-app.ts";
import { KEY_CHECK_MS } from "../../watch-key.ts";
import { EVENT_STREAMS_PER_TENANT_MAX } from "./events.ts";

/** A busy machine may take its time: what is waited for comes, or the test fails. */
const WAITING = { timeout: 20_000, interval: 5 };
const at = "2026-01-01T00:00:00.000Z";
const told: JobEventData[] = [
  { type: "state", state: "queued", cause: "submitted", attempt: 0 },
  { type: "state", state: "running", cause: "taken", attempt: 1 },
  { type: "progress", phase: "search", progress: 0.5, loss: 0.1, gates: [0.5] },
  { type: "gates", gates: [] },
  { type: "metrics", heldOut: { n: 8, accuracy: 0.9, macroF1: 0.8 }, seconds: 3 },
  {
    type: "state",
    state: "failed",
    cause: "error",
    attempt: 1,
    error: { code: "c", message: "Line\nbreak." },
  },
];
const events: JobEvent[] = told.map((data, index) => ({ seq: index + 1, at, data }));

let test: TestApp;

beforeEach(async () => {
  test = await createTestApp();
  await test.jobs.submit("alpha", { adapterName: "router", datasetId: "ds", options: { seed: 0 } });
  test.jobs.set("job-1", { state: "failed" }, events);
});

async function read(response: Response) {
  const messages = [];
  const stream = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, event, data } of stream ?? []) messages.push({ id, event, data: JSON.parse(data) });
  return messages;
}

const expected = events.map(({ seq, data: { type, ...rest } }) => ({
  ...{ id: String(seq), event: type, data: { at, ...rest } },
}));

describe("200", () => {
  it("tells every event with its number, its kind and its time, to the last", async () => {
    const response = await test.send("GET", "/v1/jobs/job-1/events");
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(await read(response)).toEqual(expected);
  });

  it("goes on after the event that Last-Event-ID or the query names", async () => {
    const headers = { "Last-Event-ID": "3" };
    expect(await read(await test.send("GET", "/v1/jobs/job-1/events", undefined, { headers }))).toEqual(
      expected.slice(3),
    );
    expect(await read(await test.send("GET", "/v1/jobs/job-1/events?after=5"))).toEqual(expected.slice(5));
  });
});

describe("204", () => {
  it("after the last event of a job that is finished, so that an EventSource asks no more", async () => {
    const headers = { "Last-Event-ID": "6" };
    const response = await test.send("GET", "/v1/jobs/job-1/events", undefined, { headers });
    expect(response.status).toBe(204);
  });
});

describe("400", () => {
  it.each(["one", "-1", "1.5"])("Last-Event-ID %s", async (id) => {
    const headers = { "Last-Event-ID": id };
    const response = await test.send("GET", "/v1/jobs/job-1/events", undefined, { headers });
    expect(response.status).toBe(400);
  });
});

describe("404", () => {
  it("a job of another tenant is as missing as one that never was", async () => {
    const same = { "X-Request-Id": "same" };
    const path = "/v1/jobs/job-1/events";
    const others = await test.send("GET", path, undefined, { key: test.keys.beta, headers: same });
    const missing = await (await createTestApp()).send("GET", path, undefined, { headers: same });
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
  });
});

describe("a stream that goes on", () => {
  /** Streams whose signal was not aborted. */
  let open: number;
  let server: Listener;

  beforeEach(async () => {
    open = 0;
    test.jobs.set("job-1", { state: "running" });
    test.jobs.events = async (_tenant, _id, { signal } = {}) => {
      return (async function* () {
        open += 1;
        yield* events.slice(0, 2);
        await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
        open -= 1;
      })();
    };
    server = await listen((request) => test.app.fetch(request), { host: "127.0.0.1", port: 0 });
  });
  afterEach(() => server.close());

  const follow = (signal?: AbortSignal) =>
    fetch(`${server.url}/v1/jobs/job-1/events`, {
      headers: { Authorization: `Bearer ${test.keys.alpha}` },
      ...(signal && { signal }),
    });

  it("tells what there is at once, and is given up when its client is gone", async () => {
    const client = new AbortController();
    const response = await follow(client.signal);
    const reader = response.body?.getReader();
    let text = "";
    while (!text.includes("running")) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(open).toBe(1);
    client.abort();
    await vi.waitUntil(() => open === 0, WAITING);
  });

  it("ends when the server stops", async () => {
    let isStopping = false;
    const stopping = await createTestApp(
      { jobs: test.jobs, registry: test.registry },
      { isStopping: () => isStopping },
    );
    const response = await stopping.send("GET", "/v1/jobs/job-1/events", undefined, { key: test.keys.alpha });
    isStopping = true;
    expect(await read(response)).toHaveLength(2);
    expect(open).toBe(0);
  });

  it("ends soon after its key was revoked", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      let isRevoked = false;
      const { registry } = test;
      const authenticate = registry.authenticate.bind(registry);
      registry.authenticate = async (secret) => (isRevoked ? undefined : authenticate(secret));
      const response = await test.send("GET", "/v1/jobs/job-1/events");
      const told = read(response);
      await vi.advanceTimersByTimeAsync(2 * KEY_CHECK_MS);
      expect(open).toBe(1);
      isRevoked = true;
      await vi.advanceTimersByTimeAsync(2 * KEY_CHECK_MS);
      expect(await told).toHaveLength(2);
      expect(open).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is refused beside so many others of its tenant, and let in when one has ended", async () => {
    const clients = Array.from({ length: EVENT_STREAMS_PER_TENANT_MAX }, () => new AbortController());
    await Promise.all(clients.map(({ signal }) => follow(signal)));
    // An answer begins before its events are asked for.
    await vi.waitUntil(() => open === EVENT_STREAMS_PER_TENANT_MAX, WAITING);
    const refused = await follow();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "too_many_streams" });
    clients[0]?.abort();
    await vi.waitUntil(() => open === EVENT_STREAMS_PER_TENANT_MAX - 1, WAITING);
    const last = new AbortController();
    expect((await follow(last.signal)).status).toBe(200);
    for (const client of [...clients, last]) client.abort();
    await vi.waitUntil(() => open === 0, WAITING);
  });
});
