import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { OverloadError } from "#model";
import { type Listener, listen } from "../../listen.ts";
import type { ClassifierPort } from "../../services.ts";
import { createTestApp, fakeClassifier, publishAdapter } from "../../test-app.ts";
import { LINE_BYTES_MAX } from "./answer-lines.ts";
import { STREAM_SILENT_MS_MAX } from "./classify-stream.ts";
import { TENANT_STREAMS_MAX } from "./stream-shares.ts";

type Answer = Record<string, unknown> & { error?: { code: string; detail: string } };

const listeners: Listener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

async function withAdapter(overrides: Parameters<typeof createTestApp>[0] = {}) {
  const test = await createTestApp(overrides);
  for (const name of ["router", "intents"]) await publishAdapter(test.registry, { name });
  const post = (body: string | ReadableStream, query = "?adapterId=router") =>
    test.app.request(`/v1/classify${query}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${test.keys.alpha}`, "Content-Type": "application/x-ndjson" },
      body,
      duplex: "half",
    } as RequestInit);
  const answersTo = async (lines: readonly unknown[], query?: string) =>
    answersOf(await (await post(ndjson(lines), query)).text());
  return { ...test, post, answersTo };
}

const ndjson = (lines: readonly unknown[]) =>
  lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");

const answersOf = (text: string): Answer[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** The whole app on a real server, and a connection that can be written and read by hand. */
async function connect(overrides: Parameters<typeof createTestApp>[0] = {}) {
  const test = await withAdapter(overrides);
  const listener = await listen(test.app.fetch, { host: "127.0.0.1", port: 0, drainMsMax: 100 });
  listeners.push(listener);
  const outgoing = httpRequest(`${listener.url}/v1/classify?adapterId=router`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${test.keys.alpha}`,
      "Content-Type": "application/x-ndjson",
      // What is packed would wait for more.
      "Accept-Encoding": "gzip",
    },
  });
  outgoing.on("error", () => undefined);
  const response = new Promise<import("node:http").IncomingMessage>((resolve) =>
    outgoing.once("response", resolve),
  );
  return { ...test, outgoing, response };
}

const ended = (lines: readonly Record<string, unknown>[]) =>
  vi.waitUntil(() => lines.find(({ event }) => event === "stream_ended"), { timeout: 5_000, interval: 5 });

describe("200", () => {
  it("each line has its answer, in order, with its id and the version that gave it", async () => {
    const { post } = await withAdapter();
    const lines = [
      { id: "a", text: "hello" },
      { id: 2, text: "long text", textPair: "b" },
      { text: "odd text", adapterId: "intents:1", topK: 2 },
    ];
    const response = await post(ndjson(lines), "?adapterId=router&topK=1");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    // For proxies: lines are neither held back nor packed.
    expect(response.headers.get("cache-control")).toContain("no-transform");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const no = { label: "no", score: 0.5 };
    expect(answersOf(await response.text())).toEqual([
      { id: "a", ...no, scores: [no], outOfScope: false, adapterId: "router", version: 1 },
      { id: 2, ...no, scores: [no], outOfScope: false, truncated: true, adapterId: "router", version: 1 },
      {
        ...{ ...no, scores: [no, { label: "yes", score: 0.25 }], outOfScope: true },
        ...{ adapterId: "intents:1", version: 1 },
      },
    ]);
  });

  it("a line that is wrong gets its error with its number, and the others are answered", async () => {
    const { post } = await withAdapter();
    const body = Buffer.concat([
      Buffer.from('{"text":"a"}\nnot json\n\n{"id":"x","text":" "}\r\n{"text":"b","adapterId":"missing"}\n'),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from('{"text":"b","more":1}\n{"text":"last"}'),
    ]);
    const response = await post(new Blob([body]).stream());
    const answers = answersOf(await response.text());
    expect(answers.map(({ line, error }) => [line, error?.code])).toEqual([
      [undefined, undefined],
      [2, "invalid_request"],
      [4, "invalid_request"],
      [5, "adapter_not_found"],
      [6, "invalid_request"],
      [7, "invalid_request"],
      [undefined, undefined],
    ]);
    expect(answers[1]?.error?.detail).toBe("The line is not JSON in UTF-8.");
    expect(answers[2]).toMatchObject({ id: "x", error: { detail: "text: must not be empty" } });
    expect(answers[3]?.error).toMatchObject({ status: 404, title: "Adapter not found" });
  });

  it("a line without an adapter id where the query has none says what is missing", async () => {
    const { answersTo } = await withAdapter();
    const [answer] = await answersTo([{ text: "a" }], "");
    expect(answer?.error?.detail).toContain("adapterId: is required");
  });

  it("a line longer than the limit is refused without being held, and the next one is answered", async () => {
    const { post } = await withAdapter();
    const parts = [
      '{"text":"',
      ...Array.from({ length: 40 }, () => "x".repeat(LINE_BYTES_MAX)),
      '"}\n{"text":"a"}\n',
    ];
    const body = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(Buffer.from(part));
      },
    });
    const answers = answersOf(await (await post(body)).text());
    expect(answers[0]).toMatchObject({ line: 1, error: { code: "payload_too_large", status: 413 } });
    expect(answers[1]).toMatchObject({ label: "no" });
  });

  it("thousands of lines that come in any pieces are answered in their order", async () => {
    const { post } = await withAdapter();
    const body = Buffer.from(ndjson(Array.from({ length: 3_000 }, (_, id) => ({ id, text: `text ${id}` }))));
    let from = 0;
    const pieces = new ReadableStream({
      pull(controller) {
        const size = 1 + ((from * 7_919) % 9_000);
        if (from < body.length) controller.enqueue(body.subarray(from, from + size));
        else controller.close();
        from += size;
      },
    });
    const answers = answersOf(await (await post(pieces)).text());
    expect(answers.map(({ id }) => id)).toEqual([...Array(3_000).keys()]);
  });

  it("no lines are no answers, and a stream that has ended takes no place any more", async () => {
    const { post } = await withAdapter();
    for (let stream = 0; stream <= TENANT_STREAMS_MAX; stream++) {
      const response = await post("");
      expect([response.status, await response.text()]).toEqual([200, ""]);
    }
  });

  it("of lines that an adapter of pairs must refuse the others are answered", async () => {
    const { ModelError } = await import("#model");
    const classify: ClassifierPort["classify"] = async (adapter, inputs, options) => {
      if (inputs.some((input) => typeof input === "string")) throw new ModelError("pair_required", "Pairs.");
      return fakeClassifier.classify(adapter, inputs, options);
    };
    const { answersTo } = await withAdapter({ classifier: { ...fakeClassifier, classify } });
    const answers = await answersTo([
      { text: "a", textPair: "b" },
      { text: "a" },
      { text: "c", textPair: "d" },
    ]);
    expect(answers.map(({ error }) => error?.code)).toEqual([undefined, "pair_required", undefined]);
  });

  it("an adapter id means at each line what it means then", async () => {
    const { outgoing, response, registry } = await connect();
    const answers = (await linesOf(outgoing, response)).next;
    outgoing.write('{"text":"a"}\n');
    expect(await answers()).toMatchObject({ version: 1 });
    await publishAdapter(registry, { name: "router" });
    outgoing.end('{"text":"a"}\n');
    expect(await answers()).toMatchObject({ version: 2 });
  });
});

describe("a full line of the classifier", () => {
  it("slows the stream and does not fail it", async () => {
    const refusals = ["classifier_overloaded", "classifier_tenant_overloaded", "deadline_unmet"] as const;
    const left = [...refusals];
    const classify: ClassifierPort["classify"] = async (...args) => {
      const code = left.shift();
      if (code) throw new OverloadError(code, "Full.", { retryAfterMs: 60_000 });
      return fakeClassifier.classify(...args);
    };
    const { answersTo } = await withAdapter({ classifier: { ...fakeClassifier, classify } });
    expect(await answersTo([{ text: "a" }])).toMatchObject([{ label: "no" }]);
    expect(left).toEqual([]);
  });

  it("is left as soon as the caller is gone", async () => {
    let calls = 0;
    const classify: ClassifierPort["classify"] = async () => {
      calls += 1;
      throw new OverloadError("classifier_overloaded", "Full.", { retryAfterMs: 1_000 });
    };
    const { outgoing, lines } = await connect({ classifier: { ...fakeClassifier, classify } });
    outgoing.write('{"text":"a"}\n');
    await vi.waitUntil(() => calls > 0, { interval: 5 });
    outgoing.destroy();
    expect(await ended(lines)).toMatchObject({ outcome: "left" });
    const callsThen = calls;
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(callsThen);
  });
});

describe("over a real connection", () => {
  it("an answer comes while the next line is not yet written", async () => {
    const { outgoing, response } = await connect();
    const { next } = await linesOf(outgoing, response);
    for (const id of [1, 2, 3]) {
      outgoing.write(`${JSON.stringify({ id, text: "a" })}\n`);
      expect(await next()).toMatchObject({ id });
    }
    outgoing.end();
    expect(await next()).toBeUndefined();
  });

  it("who takes no answers is not read: of an endless body the server holds a bounded part", async () => {
    let texts = 0;
    const classify: ClassifierPort["classify"] = async (adapter, inputs, options) => {
      texts += inputs.length;
      return fakeClassifier.classify(adapter, inputs, options);
    };
    const { outgoing, response, lines } = await connect({ classifier: { ...fakeClassifier, classify } });
    const block = ndjson(Array.from({ length: 500 }, () => ({ text: "a".repeat(100) })));
    let written = 0;
    let isStalled = false;
    while (!isStalled && written < 400) {
      written += 1;
      if (outgoing.write(block)) continue;
      isStalled = await Promise.race([
        new Promise<boolean>((resolve) => outgoing.once("drain", () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300)),
      ]);
    }
    expect(isStalled).toBe(true);
    const textsThen = texts;
    // Then it is read: everything goes on.
    (await response).resume();
    await new Promise((resolve) => outgoing.once("drain", resolve));
    expect(textsThen).toBeLessThan(written * 500);
    outgoing.destroy();
    expect(await ended(lines)).toMatchObject({ outcome: "left" });
  });

  it("when the caller goes, reading ends and nothing more is classified", async () => {
    const { outgoing, response, lines } = await connect();
    const { next } = await linesOf(outgoing, response);
    outgoing.write('{"text":"a"}\n');
    await next();
    outgoing.destroy();
    expect(await ended(lines)).toMatchObject({ outcome: "left", lines: 1, failed: 0 });
  });

  it("a tenant has a bounded number of streams: one more is a 429, another tenant's is not", async () => {
    const test = await connect();
    const { url } = listeners[0] ?? { url: "" };
    const open = (key: string) => {
      const opened = httpRequest(`${url}/v1/classify`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/x-ndjson" },
      });
      opened.on("error", () => undefined).flushHeaders();
      return new Promise<number | undefined>((resolve) =>
        opened.once("response", ({ statusCode }) => resolve(statusCode)),
      );
    };
    const statuses = await Promise.all(
      Array.from({ length: TENANT_STREAMS_MAX }, () => open(test.keys.alpha)),
    );
    expect(statuses).toEqual(statuses.map(() => 200));
    expect(await open(test.keys.alpha)).toBe(429);
    expect(await open(test.keys.beta)).toBe(200);
  });
});

describe("the end of a stream before its last line", () => {
  it("a key that is revoked meanwhile ends it, with a last line that says so", async () => {
    const clock = { ms: 0 };
    vi.spyOn(performance, "now").mockImplementation(() => clock.ms);
    let isRevoked = false;
    const { registry } = await createTestApp();
    const authenticate = registry.authenticate.bind(registry);
    registry.authenticate = async (secret) => (isRevoked ? undefined : authenticate(secret));
    const { outgoing, response, lines } = await connect({ registry });
    const { next } = await linesOf(outgoing, response);
    outgoing.write('{"text":"a"}\n');
    expect(await next()).toMatchObject({ label: "no" });
    isRevoked = true;
    clock.ms += 6_000;
    outgoing.write('{"text":"b"}\n');
    expect(await next()).toEqual({
      error: expect.objectContaining({ code: "unauthenticated", status: 401 }),
    });
    expect(await next()).toBeUndefined();
    expect(await ended(lines)).toMatchObject({ outcome: "failed", lines: 1 });
  });

  it("a body that breaks off is told behind the answers to what came before", async () => {
    const { post, lines } = await withAdapter();
    const pieces = ['{"text":"a"}\n{"te'];
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.error(new Error("reset"));
        else controller.enqueue(Buffer.from(piece));
      },
    });
    const answers = answersOf(await (await post(body)).text());
    expect(answers).toMatchObject([
      { label: "no" },
      { error: { code: "invalid_request", detail: "The body ended before it was complete." } },
    ]);
    expect(lines.find(({ event }) => event === "stream_ended")).toMatchObject({ outcome: "failed" });
  });

  it.each([["who sends no line"], ["who takes no answer"]])(
    "%s for five minutes is given up",
    async (who) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        const { post, lines } = await withAdapter();
        const response = await post(new ReadableStream());
        const text = who === "who sends no line" ? response.text() : undefined;
        await vi.advanceTimersByTimeAsync(STREAM_SILENT_MS_MAX - 1);
        expect(lines.some(({ event }) => event === "stream_ended")).toBe(false);
        await vi.advanceTimersByTimeAsync(1);
        expect(lines.find(({ event }) => event === "stream_ended")).toMatchObject({ outcome: "silent" });
        if (text)
          expect(answersOf(await text)).toMatchObject([
            { error: { detail: expect.stringContaining("No line came for 300 s") } },
          ]);
      } finally {
        vi.useRealTimers();
      }
    },
  );
});

describe("400", () => {
  it.each(["?topK=0", "?topK=101", "?topK=x", "?adapterId=", "?adapter=router"])(
    "%s is refused",
    async (query) => {
      const { post } = await withAdapter();
      expect((await post('{"text":"a"}\n', query)).status).toBe(400);
    },
  );
});

/** The lines of an answer, one by one; undefined at its end. */
async function linesOf(
  outgoing: import("node:http").ClientRequest,
  response: Promise<import("node:http").IncomingMessage>,
) {
  outgoing.flushHeaders();
  const { createInterface } = await import("node:readline");
  const iterator = createInterface({ input: await response })[Symbol.asyncIterator]();
  const next = async (): Promise<Answer | undefined> => {
    const { done, value } = await iterator.next();
    return done ? undefined : JSON.parse(value);
  };
  return { next };
}
