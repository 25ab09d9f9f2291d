// The client against the whole app on a real server, whose answers are spoilt where a test says so.
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { type Listener, listen } from "../../functions/listen.ts";
import { createTestApp, publishAdapter, type TestApp } from "../../functions/test-app.ts";
import { createBatcher, createSoftgate, type Softgate, SoftgateError } from "./index.ts";

type Spoil = (request: Request) => Response | undefined;

let test: TestApp;
let listener: Listener;
let waits: number[];
let requests: { method: string; path: string; key: string | null }[];
/** Answers instead of the app, once each, in order; undefined lets a request through. */
let spoils: (Spoil | undefined)[];
let softgate: Softgate;

beforeEach(async () => {
  test = await createTestApp();
  for (const name of ["router", "intents"]) await publishAdapter(test.registry, { name });
  [waits, requests, spoils] = [[], [], []];
  const fetch = (request: Request) => {
    const { pathname } = new URL(request.url);
    requests.push({ method: request.method, path: pathname, key: request.headers.get("idempotency-key") });
    return spoils.shift()?.(request) ?? test.app.fetch(request);
  };
  listener = await listen(fetch, { host: "127.0.0.1", port: 0 });
  softgate = connect();
});
afterEach(() => listener.close());

const connect = (options: Partial<Parameters<typeof createSoftgate>[0]> = {}) =>
  createSoftgate({
    ...{ url: listener.url, key: test.keys.alpha, random: () => 0 },
    wait: async (milliseconds) => void waits.push(milliseconds),
    ...options,
  });

const refused =
  (status: number, headers: Record<string, string> = {}): Spoil =>
  () =>
    new Response(JSON.stringify({ code: "classifier_overloaded", detail: "Full.", status }), {
      status,
      headers,
    });
const request = { adapterId: "router", inputs: "hello" };

describe("calls", () => {
  it("classify, of one adapter and of several, with the types of the server's schemas", async () => {
    const answer = await softgate.classify({ ...request, topK: 1 });
    expect(answer).toMatchObject({ version: 1, predictions: [{ label: "no", scores: [{ label: "no" }] }] });
    expectTypeOf(answer.predictions[0]?.label).toEqualTypeOf<string | undefined>();
    const [first, second] = await softgate.classifyBatch([request, { adapterId: "missing", inputs: ["a"] }]);
    expect([first, second]).toMatchObject([{ version: 1 }, { error: { code: "adapter_not_found" } }]);
    // @ts-expect-error: inputs are required
    await expect(softgate.classify({ adapterId: "router" })).rejects.toThrow("inputs");
  });

  it("upload, train, and the job", async () => {
    const csv = `text,label\n${Array.from({ length: 12 }, (_, row) => `text ${row},${row % 2 ? "a" : "b"}\n`).join("")}`;
    const dataset = await softgate.uploadDataset(new Blob([csv]), { fileName: "tickets.csv" });
    expect(dataset).toMatchObject({ rows: 12, labels: ["a", "b"] });
    const { jobId } = await softgate.trainAdapter({ name: "tickets", datasetId: dataset.id });
    expect(await softgate.getJob(jobId)).toMatchObject({ state: "queued", adapterName: "tickets" });
  });

  it("dead letters are found and retried, once however often that is sent", async () => {
    for (const adapterName of ["a", "b"])
      await test.jobs.submit("alpha", { adapterName, datasetId: "ds", options: { seed: 7 } });
    test.jobs.set("job-1", { state: "failed", isRetriable: true });
    const found: unknown[] = [];
    for await (const { id, retriable } of softgate.listJobs({ state: "failed" })) found.push([id, retriable]);
    expect(found).toEqual([["job-1", true]]);
    spoils.push(refused(503));
    expect(await softgate.retryJob("job-1")).toMatchObject({ id: "job-1", state: "queued" });
    expect(new Set(requests.slice(-2).map(({ key }) => key)).size).toBe(1);
  });

  it("feedback is given once however often it is sent, listed and removed; retraining and shadow are asked for", async () => {
    spoils.push(refused(503));
    const { id } = await softgate.giveFeedback("router", { text: "a", label: "yes" });
    const listed: unknown[] = [];
    for await (const { text, label } of softgate.listFeedback("router")) listed.push([text, label]);
    expect(listed).toEqual([["a", "yes"]]);
    await expect(softgate.retrainAdapter("router")).rejects.toMatchObject({ code: "dataset_not_found" });
    await softgate.removeFeedback("router", id);
    expect(await softgate.listFeedback("router").next()).toMatchObject({ done: true });
    const shadow = { alias: "production", share: 0.5 };
    expect(await softgate.setShadow("router", shadow)).toEqual({ name: "router", shadow });
    expect(await softgate.getShadow("router")).toEqual({ name: "router", shadow, counts: null });
  });

  it("lists come page by page, to the last", async () => {
    for (let index = 0; index < 60; index++) await publishAdapter(test.registry, { name: `many-${index}` });
    const names: string[] = [];
    for await (const { name } of softgate.listAdapters({ prefix: "many-" })) names.push(name);
    expect(names).toHaveLength(60);
    expect(requests.filter(({ path }) => path === "/v1/adapters")).toHaveLength(2);
  });

  it("what is wrong is an error with the server's code, and whatever else it says", async () => {
    const error = await softgate
      .classify({ ...request, inputs: ["a", " "] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SoftgateError);
    expect(error).toMatchObject({
      ...{ code: "invalid_request", status: 400, requestId: expect.any(String) },
      errors: [{ pointer: "#/inputs/1" }],
    });
    spoils.push(() => new Response("<html>", { status: 418 }));
    await expect(softgate.classify(request)).rejects.toMatchObject({
      code: "unexpected_answer",
      status: 418,
    });
  });
});

describe("retries", () => {
  it.each([429, 503])(
    "after a %d, not before Retry-After is over, and then with an answer",
    async (status) => {
      spoils.push(refused(status, { "Retry-After": "7" }), refused(status));
      expect(await softgate.classify(request)).toMatchObject({ version: 1 });
      expect(waits).toEqual([7_000, 250]);
    },
  );

  it("waits grow, and differ by chance", async () => {
    spoils.push(refused(503), refused(503), refused(503));
    await connect({ random: () => 1 }).classify(request);
    expect(waits).toEqual([250, 500, 1_000]);
    waits.length = 0;
    spoils.push(refused(503, { "Retry-After": "1" }));
    await connect({ random: () => 1 }).classify(request);
    expect(waits).toEqual([1_250]);
  });

  it("end after so many, with the server's own words", async () => {
    spoils.push(...Array.from({ length: 9 }, () => refused(503, { "Retry-After": "1" })));
    await expect(connect({ retriesMax: 2 }).classify(request)).rejects.toMatchObject({
      ...{ code: "classifier_overloaded", status: 503, retryAfterSeconds: 1 },
    });
    expect(requests).toHaveLength(3);
  });

  it("a Retry-After that is too long is not waited for", async () => {
    spoils.push(refused(429, { "Retry-After": "3600" }));
    await expect(softgate.classify(request)).rejects.toMatchObject({ retryAfterSeconds: 3_600 });
    expect(waits).toEqual([]);
  });

  it("a date as Retry-After is understood", async () => {
    spoils.push(refused(503, { "Retry-After": new Date(Date.now() + 10_000).toUTCString() }));
    await softgate.classify(request);
    expect(waits[0]).toBeGreaterThan(8_000);
    expect(waits[0]).toBeLessThanOrEqual(10_000);
  });

  it("what is the caller's fault is asked once", async () => {
    await expect(softgate.classify({ ...request, adapterId: "missing" })).rejects.toThrow(
      "adapter_not_found",
    );
    expect(requests).toHaveLength(1);
  });

  it("a connection that breaks off is another attempt, of what may be done twice", async () => {
    let calls = 0;
    const breaking: typeof fetch = async (...args) => {
      calls += 1;
      if (calls === 1) throw new TypeError("fetch failed");
      return fetch(...args);
    };
    expect(await connect({ fetch: breaking }).classify(request)).toMatchObject({ version: 1 });
    expect(calls).toBe(2);
    calls = 0;
    const sent = { method: "DELETE", path: "/v1/adapters/router", isRepeatable: false } as const;
    await expect(connect({ fetch: breaking }).request(sent)).rejects.toThrow("fetch failed");
    expect(calls).toBe(1);
  });

  it("a 503 does not say that nothing was done: only what may be done twice is sent again", async () => {
    const sent = { method: "DELETE", path: "/v1/adapters/router", isRepeatable: false } as const;
    spoils.push(refused(503));
    await expect(softgate.request(sent)).rejects.toMatchObject({ status: 503 });
    expect(requests).toHaveLength(1);
    spoils.push(refused(429));
    expect((await softgate.request(sent)).status).toBe(200);
  });

  it("a caller who gave up before is not asked for", async () => {
    const reason = new Error("gone");
    const call = softgate.classify(request, { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
    expect(requests).toEqual([]);
  });

  it("an upload carries one Idempotency-Key through all its attempts", async () => {
    spoils.push(refused(503), () => new Response("", { status: 502 }));
    await softgate
      .uploadDataset(new Blob(["text,label\na,b\n"]), { fileName: "a.csv" })
      .catch(() => undefined);
    const keys = requests.map(({ key }) => key);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("what is still being done under its key is asked for again, when the server says", async () => {
    const inUse: Spoil = () =>
      Response.json(
        { code: "idempotency_key_in_use", detail: "Still being done." },
        { status: 409, headers: { "Retry-After": "3" } },
      );
    spoils.push(inUse);
    await softgate.giveFeedback("router", { text: "a", label: "yes" });
    expect(waits).toEqual([3_000]);
    spoils.push(inUse);
    const sent = { method: "DELETE", path: "/v1/adapters/router", isRepeatable: false } as const;
    await expect(softgate.request(sent)).rejects.toMatchObject({ code: "idempotency_key_in_use" });
  });

  it("an upload has more time than other calls", async () => {
    const hasty = connect({ timeoutMs: 1, retriesMax: 0 });
    const rows = Array.from({ length: 5_000 }, (_, row) => `text ${row},${row % 2 ? "a" : "b"}\n`);
    const file = new Blob([`text,label\n${rows.join("")}`]);
    expect(await hasty.uploadDataset(file, { fileName: "a.csv" })).toMatchObject({ rows: 5_000 });
  });

  it("an attempt has its time; a caller who gives up is heard at once", async () => {
    const never = () => new Promise<Response>(() => undefined);
    const hanging: typeof fetch = (_, init) =>
      Promise.race([
        never(),
        new Promise<Response>((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        }),
      ]);
    await expect(connect({ fetch: hanging, timeoutMs: 5, retriesMax: 1 }).classify(request)).rejects.toThrow(
      "no answer within 5 ms",
    );
    const caller = new AbortController();
    const asked = connect({ fetch: hanging }).classify(request, { signal: caller.signal });
    caller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });
});

describe("classifyLines", () => {
  it("any number of lines is answered in order, and no more are read than answers are taken", async () => {
    let read = 0;
    async function* lines() {
      for (let id = 0; id < 2_000; id++) {
        read += 1;
        yield { id, text: `text ${id}` };
      }
    }
    const ids: unknown[] = [];
    for await (const answer of softgate.classifyLines(lines(), { adapterId: "router", topK: 1 })) {
      if (ids.length === 0) expect(read).toBeLessThan(1_000);
      ids.push(answer.id);
    }
    expect(ids).toEqual([...Array(2_000).keys()]);
  });

  it("a line that is wrong is an answer with its number among all lines", async () => {
    const lines = Array.from({ length: 400 }, (_, index) => ({ text: index === 300 ? " " : "a" }));
    const wrong: unknown[] = [];
    for await (const answer of softgate.classifyLines(lines, { adapterId: "router" }))
      if ("error" in answer) wrong.push(answer.line);
    expect(wrong).toEqual([301]);
  });

  it("a request that is refused is sent again, without the others", async () => {
    spoils.push(undefined, refused(503));
    const lines = Array.from({ length: 600 }, (_, id) => ({ id, text: "a" }));
    const ids: unknown[] = [];
    for await (const answer of softgate.classifyLines(lines, { adapterId: "router" })) ids.push(answer.id);
    expect(ids).toEqual([...Array(600).keys()]);
    expect(requests).toHaveLength(4);
  });
});

describe("createBatcher", () => {
  it("calls that come together are one request, and each is told its own", async () => {
    const batcher = createBatcher(softgate);
    const asked = [
      batcher.classify({ adapterId: "router", input: "a" }),
      batcher.classify({ adapterId: "intents", input: { text: "long text", textPair: "b" }, topK: 1 }),
      batcher.classify({ adapterId: "missing", input: "c" }),
    ];
    const settled = await Promise.allSettled(asked);
    expect(settled).toMatchObject([
      { value: { label: "no", version: 1 } },
      { value: { truncated: true, scores: [{ label: "no" }] } },
      { reason: { code: "adapter_not_found" } },
    ]);
    expect(requests).toHaveLength(1);
  });

  it("no request has more texts than it may, and a full one does not wait", async () => {
    const batcher = createBatcher(softgate, { textsMax: 10, waitMs: 1 });
    await Promise.all(
      Array.from({ length: 25 }, () => batcher.classify({ adapterId: "router", input: "a" })),
    );
    expect(requests).toHaveLength(3);
  });

  it("no request is larger than a server takes", async () => {
    const batcher = createBatcher(softgate);
    const long = { adapterId: "router", input: "é".repeat(20_000) };
    await Promise.all(Array.from({ length: 60 }, () => batcher.classify(long)));
    expect(requests).toHaveLength(3);
  });

  it("a request that fails fails its calls alone", async () => {
    const batcher = createBatcher(connect({ retriesMax: 0 }), { waitMs: 1 });
    spoils.push(refused(503));
    await expect(batcher.classify({ adapterId: "router", input: "a" })).rejects.toThrow("Full.");
    expect(await batcher.classify({ adapterId: "router", input: "a" })).toMatchObject({ version: 1 });
  });
});

describe("followJob", () => {
  const event = (seq: number, type: string, data: object) =>
    `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  const stream =
    (text: string): Spoil =>
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(text));
            controller.close();
          },
        }),
        { headers: { "Content-Type": "text/event-stream" } },
      );

  it("each event is told once, over connections that break off, until the job is finished", async () => {
    const seen: (string | null)[] = [];
    const resumed =
      (text: string): Spoil =>
      (asked) => {
        seen.push(asked.headers.get("last-event-id"));
        return stream(text)(asked);
      };
    spoils.push(
      resumed(event(1, "state", { state: "running" }) + event(2, "progress", { progress: 0.5 })),
      refused(503),
      resumed(event(2, "progress", { progress: 0.5 }) + event(3, "state", { state: "succeeded" })),
    );
    const messages = [];
    for await (const message of softgate.followJob("job-1")) messages.push(message);
    expect(messages).toEqual([
      { seq: 1, type: "state", data: { state: "running" } },
      { seq: 2, type: "progress", data: { progress: 0.5 } },
      { seq: 3, type: "state", data: { state: "succeeded" } },
    ]);
    expect(seen).toEqual([null, "2"]);
  });

  it("a job that was retried is followed over its failure, to its end", async () => {
    const story = [event(1, "state", { state: "failed" }), event(2, "state", { state: "queued" })];
    spoils.push(stream(story.join("")), stream(event(3, "state", { state: "succeeded" })));
    const states: unknown[] = [];
    for await (const { data } of softgate.followJob("job-1")) states.push(data.state);
    expect(states).toEqual(["failed", "queued", "succeeded"]);
  });

  it("of a job that is finished and was told there is nothing more", async () => {
    spoils.push(() => new Response(null, { status: 204 }));
    for await (const _ of softgate.followJob("job-1", { after: 9 })) expect.fail("there was an event");
    await expect(softgate.followJob("job-9").next()).rejects.toMatchObject({ status: 404 });
  });
});
