// Shapes of requests, answers and errors; the real clients are in test/clients/.
import { describe, expect, it } from "vitest";
import { OverloadError } from "#model";
import { alpha, createTestApp, fakeClassifier, publishAdapter } from "../../test-app.ts";

const MEBIBYTE = 1024 * 1024;

async function withAdapter(
  overrides: Parameters<typeof createTestApp>[0] = {},
  defaultAdapter = "router@production",
) {
  const test = await createTestApp(overrides, { defaultAdapter });
  const published = await publishAdapter(test.registry, { name: "router" });
  const ask = (path: string, body: unknown, options?: Parameters<typeof test.send>[3]) =>
    test.send("POST", path, body, options);
  return { ...test, published, ask };
}

const full = {
  ...fakeClassifier,
  classify: async () => {
    throw new OverloadError("classifier_overloaded", "Too many texts wait.", { retryAfterMs: 2_000 });
  },
};

const [no, yes] = [
  { label: "no", score: 0.5 },
  { label: "yes", score: 0.25 },
];
const raw = [no, yes].map(({ label, score }) => ({ label, score: expect.closeTo(Math.log(score), 5) }));

it.each([
  ["/models/router", "code"],
  ["/predict", "code"],
  ["/openai/v1/models/router", "error"],
])("%s counts among the requests that a tenant may send a minute", async (path, field) => {
  const { registry, send } = await withAdapter();
  await registry.setTenantLimits(alpha, { requestsPerMinute: 1 });
  const method = path.startsWith("/openai") ? "GET" : "POST";
  const ask = () => send(method, path, method === "GET" ? undefined : { inputs: "a" });
  const statuses = [(await ask()).status, (await ask()).status];
  expect(statuses).toEqual([200, 429]);
  expect(JSON.stringify(((await (await ask()).json()) as Record<string, unknown>)[field])).toContain(
    "request_rate_exceeded",
  );
});

describe("POST /models/:adapterId", () => {
  it.each([
    ["a text", "hello", [[no, yes]]],
    [
      "texts",
      ["a", "b"],
      [
        [no, yes],
        [no, yes],
      ],
    ],
    ["a pair", { text: "a", text_pair: "b" }, [[no, yes]]],
    [
      "texts and pairs",
      ["a", { text: "a", text_pair: "b" }],
      [
        [no, yes],
        [no, yes],
      ],
    ],
  ])("%s has one list of labels for each", async (_, inputs, expected) => {
    const { ask, published } = await withAdapter();
    const response = await ask("/models/router", { inputs });
    expect([response.status, await response.json()]).toEqual([200, expected]);
    expect(response.headers.get("softgate-adapter-digest")).toBe(published.digest);
  });

  it("fields of other tasks, and options of queues and caches, are passed over", async () => {
    const { ask } = await withAdapter();
    const body = {
      inputs: "a",
      options: { wait_for_model: true },
      parameters: { top_k: null, temperature: 1 },
    };
    expect((await ask("/models/router", body)).status).toBe(200);
  });

  it.each([
    [{}, 400, "invalid_request"],
    [{ inputs: [] }, 400, "invalid_request"],
    [{ inputs: "a", parameters: { top_k: 0 } }, 400, "invalid_request"],
    [{ inputs: { text: "a" } }, 400, "invalid_request"],
    ["not json", 400, "invalid_request"],
  ])("%j is refused in the form that these clients read", async (body, status, code) => {
    const { ask } = await withAdapter();
    const response = await ask("/models/router", body);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      error: expect.any(String),
      code,
      request_id: response.headers.get("x-request-id"),
    });
  });

  it("whatever refuses a request, it is in this form: key, length, method, path", async () => {
    const { app, keys, send } = await withAdapter();
    const tooLong = { headers: { "Content-Length": String(MEBIBYTE + 1) } };
    const refusals = [
      await app.request("/models/router", { method: "POST" }),
      await send("POST", "/models/router", "{}", tooLong),
      await send("GET", "/models/router"),
      await send("POST", "/models/a/b", {}),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([401, 413, 405, 404]);
    for (const refusal of refusals) expect(await refusal.json()).toMatchObject({ error: expect.any(String) });
    expect(refusals[0]?.headers.get("www-authenticate")).toContain("Bearer");
    expect(keys.alpha).toBeDefined();
  });

  it("where there is no room it is 429, and Retry-After is kept", async () => {
    const { ask } = await withAdapter({ classifier: full });
    const response = await ask("/models/router", { inputs: "a" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
    expect(await response.json()).toMatchObject({ error: "Too many texts wait." });
  });

  it("another tenant's adapter is answered with the very bytes of a missing one", async () => {
    const ask = async ({ send, keys }: Awaited<ReturnType<typeof createTestApp>>) => {
      const options = { key: keys.beta, headers: { "X-Request-Id": "same" } };
      const response = await send("POST", "/models/router", { inputs: "a" }, options);
      return [response.status, await response.text()];
    };
    expect(await ask(await withAdapter())).toEqual(await ask(await createTestApp()));
  });
});

describe("POST /predict", () => {
  it.each([
    ["a text", { inputs: "a" }, [no, yes]],
    ["a list of one text", { inputs: ["a"] }, [no, yes]],
    ["a pair", { inputs: ["a", "b"] }, [no, yes]],
    [
      "a batch",
      { inputs: [["a"], ["b", "c"]] },
      [
        [no, yes],
        [no, yes],
      ],
    ],
    ["raw scores", { inputs: "a", raw_scores: true }, raw],
    ["raw scores of a batch", { inputs: [["a"]], raw_scores: true, truncate: true }, [raw]],
    ["a long text that may be cut", { inputs: "long text", truncate: true }, [no, yes]],
  ])(
    "%s is answered in its shape, by the caller's adapter of the default's name",
    async (_, body, expected) => {
      const { ask, published } = await withAdapter();
      const response = await ask("/predict", body);
      expect([response.status, await response.json()]).toEqual([200, expected]);
      expect(response.headers.get("softgate-adapter-digest")).toBe(published.digest);
    },
  );

  it("a long text that must not be cut is refused, and which one is said", async () => {
    const { ask } = await withAdapter();
    const response = await ask("/predict", { inputs: [["a"], ["long text"]] });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining("inputs[1] has more tokens"),
      error_type: "Validation",
    });
  });

  it.each([
    [{}],
    [{ inputs: ["a", "b", "c"] }],
    [{ inputs: [["a", "b", "c"]] }],
    [{ inputs: [] }],
    [{ inputs: 1 }],
    [{ inputs: "a", truncate: 1 }],
  ])("%j is refused with 422", async (body) => {
    const { ask } = await withAdapter();
    const response = await ask("/predict", body);
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { error_type: "Tokenizer", code: "invalid_request" },
    ]);
  });

  it("where there is no room it is 429 Overloaded", async () => {
    const { ask } = await withAdapter({ classifier: full });
    const response = await ask("/predict", { inputs: "a" });
    expect([response.status, await response.json()]).toMatchObject([429, { error_type: "Overloaded" }]);
  });

  it("needs a key, and another tenant has no adapter of the default's name", async () => {
    const { app, ask, keys } = await withAdapter();
    const anonymous = await app.request("/predict", { method: "POST", body: "{}" });
    expect([anonymous.status, await anonymous.json()]).toMatchObject([401, { error_type: "Backend" }]);
    expect((await ask("/predict", { inputs: "a" }, { key: keys.beta })).status).toBe(404);
  });

  it("a server without a default adapter has no such path", async () => {
    const test = await createTestApp();
    const response = await test.send("POST", "/predict", { inputs: "a" });
    expect([response.status, await response.json()]).toMatchObject([404, { code: "route_not_found" }]);
  });
});
