import { describe, expect, it } from "vitest";
import { OverloadError } from "#model";
import { createTestApp, fakeClassifier, publishAdapter } from "../../test-app.ts";
import { BATCH_INPUTS_MAX, BATCH_TOP_K_MAX } from "./request.ts";

type Services = Parameters<typeof createTestApp>[0];
type Results = { results: { adapterId: string; version?: number; error?: { code: string } }[] };

async function withAdapters(services: Services = {}) {
  const test = await createTestApp(services);
  for (const name of ["router", "intents"]) await publishAdapter(test.registry, { name });
  const classify = (requests: unknown, headers: Record<string, string> = {}) =>
    test.send("POST", "/v1/classify", { requests }, { headers });
  return { ...test, classify };
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);

describe("200", () => {
  it("each request is answered as it would be alone, in order", async () => {
    const { classify, send } = await withAdapters();
    const requests = [
      { adapterId: "router", inputs: "hello" },
      { adapterId: "intents:1", inputs: ["a", "long text", { text: "b", textPair: "c" }], topK: 1 },
      { adapterId: "router", inputs: ["odd text"] },
    ];
    const response = await classify(requests);
    expect(response.status).toBe(200);
    const alone = requests.map(async (request) => (await send("POST", "/v1/classify", request)).json());
    expect(await response.json()).toEqual({ results: await Promise.all(alone) });
  });

  it("what is wrong with one request is told there, and the others are answered", async () => {
    const { classify } = await withAdapters();
    const response = await classify([
      { adapterId: "missing", inputs: "a" },
      { adapterId: "router", inputs: "b" },
      { adapterId: "router:9", inputs: "c" },
      { adapterId: "no such form!", inputs: "d" },
    ]);
    expect(response.status).toBe(200);
    const { results } = (await response.json()) as Results;
    expect(results.map(({ error }) => error?.code)).toEqual([
      "adapter_not_found",
      undefined,
      "version_not_found",
      "invalid_reference",
    ]);
    expect(results[0]).toEqual({
      adapterId: "missing",
      error: {
        code: "adapter_not_found",
        status: 404,
        title: "Adapter not found",
        detail: expect.any(String),
      },
    });
  });

  it("another tenant's adapter is answered with the very bytes of a missing one", async () => {
    const ask = async ({ send, keys }: Awaited<ReturnType<typeof createTestApp>>) => {
      const body = { requests: [{ adapterId: "router", inputs: "a" }] };
      return (await send("POST", "/v1/classify", body, { key: keys.beta })).text();
    };
    expect(await ask(await withAdapters())).toBe(await ask(await createTestApp()));
  });

  it("a refusal for want of room says in how many seconds to ask again", async () => {
    let calls = 0;
    const classifier = {
      ...fakeClassifier,
      classify: (...args: Parameters<typeof fakeClassifier.classify>) => {
        calls += 1;
        if (calls > 1) return fakeClassifier.classify(...args);
        throw new OverloadError("classifier_overloaded", "Too many.", { retryAfterMs: 2_500 });
      },
    };
    const { classify } = await withAdapters({ classifier });
    const response = await classify([
      { adapterId: "router", inputs: "a" },
      { adapterId: "router", inputs: "b" },
    ]);
    expect(await response.json()).toMatchObject({
      results: [
        { error: { code: "classifier_overloaded", status: 503, detail: "Too many.", retryAfterSeconds: 3 } },
        { version: 1 },
      ],
    });
  });

  it("a fault of ours is logged with its reason, of which the caller learns nothing", async () => {
    const classifier = {
      ...fakeClassifier,
      classify: async () => {
        throw new Error("tensor of 3 where 4 was expected");
      },
    };
    const { classify, lines } = await withAdapters({ classifier });
    const body = await (await classify([{ adapterId: "router", inputs: "a" }])).text();
    expect(JSON.parse(body)).toMatchObject({ results: [{ error: { code: "internal_error", status: 500 } }] });
    expect(body).not.toContain("tensor");
    expect(lines.find(({ event }) => event === "error")).toMatchObject({
      code: "internal_error",
      error: expect.stringContaining("tensor of 3"),
    });
  });

  it("all requests share the time of the call: the later ones get what is left", async () => {
    const given: (number | undefined)[] = [];
    const classifier = {
      ...fakeClassifier,
      classify: (...args: Parameters<typeof fakeClassifier.classify>) => {
        given.push(args[2].timeoutMs);
        return fakeClassifier.classify(...args);
      },
    };
    const { classify } = await withAdapters({ classifier });
    await classify(
      texts(100).map((inputs) => ({ adapterId: "router", inputs })),
      { "Softgate-Timeout-Ms": "5000" },
    );
    expect(given).toHaveLength(100);
    expect(given.every((ms) => ms !== undefined && ms > 0 && ms <= 5_000)).toBe(true);
    expect(given.at(-1)).toBeLessThan(given[0] ?? 0);
  });

  it("no more than 64 adapters are loaded at once", async () => {
    let [now, most] = [0, 0];
    const classifier = {
      ...fakeClassifier,
      classify: async (...args: Parameters<typeof fakeClassifier.classify>) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        return fakeClassifier.classify(...args);
      },
    };
    const { classify } = await withAdapters({ classifier });
    const response = await classify(
      texts(BATCH_INPUTS_MAX).map((inputs) => ({ adapterId: "router", inputs })),
    );
    expect(((await response.json()) as Results).results).toHaveLength(BATCH_INPUTS_MAX);
    expect(most).toBeGreaterThan(32);
    expect(most).toBeLessThanOrEqual(64);
  });
});

describe("400", () => {
  it.each([
    [[], "requests: must have at least one request", "#/requests"],
    ["x", "requests: must be a list of requests", "#/requests"],
    [
      [{ adapterId: "router" }],
      "requests[0].inputs: must be a text or a list of texts",
      "#/requests/0/inputs",
    ],
    [[{ adapterId: "router", inputs: ["a", " "] }], "requests[0].inputs[1]: must", "#/requests/0/inputs/1"],
    [[{ inputs: "a" }], "requests[0].adapterId: is required", "#/requests/0/adapterId"],
    [
      [{ adapterId: "router", inputs: "a", topK: BATCH_TOP_K_MAX + 1 }],
      "requests[0].topK:",
      "#/requests/0/topK",
    ],
    [[{ adapterId: "router", inputs: "a", more: 1 }], "requests[0]:", "#/requests/0"],
  ])("%j is refused whole, and the field is named", async (requests, detail, pointer) => {
    const { classify } = await withAdapters();
    const response = await classify(requests);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      detail: expect.stringContaining(detail),
      errors: [{ pointer }],
    });
  });

  it("more texts than a call may have, counted over all requests, are refused", async () => {
    const { classify } = await withAdapters();
    const half = { adapterId: "router", inputs: texts(BATCH_INPUTS_MAX / 2) };
    expect((await classify([half, half])).status).toBe(200);
    const response = await classify([half, half, { adapterId: "intents", inputs: "one more" }]);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      detail: "requests: must have at most 1000 texts together",
    });
  });

  it("adapterId beside requests is refused: a body is one or the other", async () => {
    const { send } = await withAdapters();
    const body = { adapterId: "router", inputs: "a", requests: [{ adapterId: "router", inputs: "a" }] };
    expect((await send("POST", "/v1/classify", body)).status).toBe(400);
  });
});
