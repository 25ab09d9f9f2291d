import { describe, expect, it } from "vitest";
import { OverloadError } from "#model";
import type { ClassifierPort, Services } from "../../services.ts";
import { BACKBONE, createTestApp, fakeClassifier, publishAdapter } from "../../test-app.ts";
import { INPUT_CHARACTERS_MAX, INPUTS_MAX } from "./request.ts";

type AdapterOptions = Partial<Parameters<typeof publishAdapter>[1]>;

async function withAdapter(options: AdapterOptions = {}, services: Partial<Services> = {}) {
  const test = await createTestApp(services);
  const published = await publishAdapter(test.registry, { name: "router", ...options });
  const classify = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    test.send("POST", "/v1/classify", { adapterId: "router", inputs: "hello", ...body }, { headers });
  return { ...test, published, classify };
}

describe("200", () => {
  it("answers one text with its label, its scores, and the digest it was served with", async () => {
    const { classify, published } = await withAdapter();
    const response = await classify();
    expect(response.status).toBe(200);
    expect(response.headers.get("softgate-adapter-digest")).toBe(published.digest);
    expect(await response.json()).toEqual({
      adapterId: "router",
      version: 1,
      digest: published.digest,
      predictions: [
        {
          label: "no",
          score: 0.5,
          scores: [
            { label: "no", score: 0.5 },
            { label: "yes", score: 0.25 },
          ],
          outOfScope: false,
        },
      ],
    });
  });

  it("answers texts and pairs in their order, and says which were cut", async () => {
    const { classify } = await withAdapter();
    const response = await classify({ inputs: ["a", "long text", { text: "b", textPair: "c" }] });
    const { predictions } = (await response.json()) as { predictions: { truncated?: boolean }[] };
    expect(predictions.map(({ truncated }) => truncated)).toEqual([undefined, true, undefined]);
  });

  it("marks a text that is out of scope, and gives its label all the same", async () => {
    const { classify } = await withAdapter();
    const response = await classify({ inputs: ["a", "odd text"] });
    expect(await response.json()).toMatchObject({
      predictions: [
        { label: "no", outOfScope: false },
        { label: "no", outOfScope: true },
      ],
    });
  });

  it("shows no more than topK scores", async () => {
    const { classify } = await withAdapter({ labels: ["a", "b", "c"] });
    const response = await classify({ topK: 1 });
    expect(await response.json()).toMatchObject({ predictions: [{ scores: [{ label: "a", score: 0.5 }] }] });
  });

  it("takes any label for a string, __proto__ and numbers too", async () => {
    const labels = ["10", "9", "__proto__", "constructor"];
    const { classify } = await withAdapter({ labels });
    const { predictions } = (await (await classify()).json()) as {
      predictions: { scores: { label: string }[] }[];
    };
    expect(predictions[0]?.scores.map(({ label }) => label)).toEqual(labels);
  });

  it("serves the version that the adapterId names", async () => {
    const { classify, registry } = await withAdapter();
    const second = await publishAdapter(registry, { name: "router", labels: ["x", "y"] });
    expect(await (await classify()).json()).toMatchObject({ version: 2, digest: second.digest });
    expect(await (await classify({ adapterId: "router:1" })).json()).toMatchObject({ version: 1 });
    expect(await (await classify({ adapterId: "router@production" })).json()).toMatchObject({ version: 2 });
  });

  it("never gives two tenants' equal adapters one place in the cache", async () => {
    const cached = new Set<string>();
    const test = await createTestApp({
      classifier: {
        ...fakeClassifier,
        classify: async ({ tenant, digest }) => {
          cached.add(`${tenant}/${digest}`);
          return [];
        },
      },
    });
    const beta = (await test.registry.authenticate(test.keys.beta))?.tenant;
    await publishAdapter(test.registry, { name: "router" });
    await publishAdapter(test.registry, { name: "router", ...(beta && { tenant: beta }) });
    const body = { adapterId: "router", inputs: "a" };
    for (const key of [test.keys.alpha, test.keys.beta])
      await test.send("POST", "/v1/classify", body, { key });
    expect([...cached].map((key) => key.split("/")[0])).toEqual(["alpha", "beta"]);
  });
});

describe("400", () => {
  it.each([
    ["an empty text", ["a", ""], "inputs[1]: must not be empty", "#/inputs/1"],
    ["a blank text", " \n", "inputs[0]: must not be empty", "#/inputs/0"],
    [
      "an empty half of a pair",
      [{ text: "a", textPair: "" }],
      "inputs[0].textPair: must not be empty",
      "#/inputs/0/textPair",
    ],
    [
      "a number",
      [1],
      "inputs[0]: must be a string, or an object of the two strings text and textPair",
      "#/inputs/0",
    ],
    ["no text", [], "inputs: must have at least one text", "#/inputs"],
    ["too many texts", Array(INPUTS_MAX + 1).fill("a"), "inputs: must have at most 256 texts", "#/inputs"],
    [
      "a text too long",
      "a".repeat(INPUT_CHARACTERS_MAX + 1),
      "inputs[0]: must have at most 20000 characters",
      "#/inputs/0",
    ],
    ["null", null, "inputs: must be a text or a list of texts", "#/inputs"],
  ])("%s is named with its place", async (_, inputs, detail, pointer) => {
    const { classify } = await withAdapter();
    const response = await classify({ inputs });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request", detail, errors: [{ pointer }] });
  });

  it("a field that is missing is said to be required", async () => {
    const { classify } = await withAdapter();
    const response = await classify({ adapterId: undefined });
    expect(await response.json()).toMatchObject({ detail: "adapterId: is required" });
  });

  it.each([
    ["an adapterId of another form", { adapterId: "a/b" }, "invalid_reference"],
    ["a tenant in the body", { tenant: "beta" }, "invalid_request"],
    ["topK of 0", { topK: 0 }, "invalid_request"],
  ])("refuses %s", async (_, body, code) => {
    const { classify } = await withAdapter();
    const response = await classify(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });

  it.each(["", "{", "[]", "null", '"text"', "{}\u0000"])("refuses the body %j", async (body) => {
    const { send } = await withAdapter();
    const response = await send("POST", "/v1/classify", body);
    expect(response.status).toBe(400);
  });
});

describe("429 and 503", () => {
  const retryAfterMs = 2_500;
  const refusing = (error: OverloadError) => ({ ...fakeClassifier, classify: () => Promise.reject(error) });

  it("too many of one tenant's texts: how many may wait, and when to ask again", async () => {
    const quota = { name: "waiting-texts", most: 4096, left: 5 };
    const error = new OverloadError("classifier_tenant_overloaded", "Send more later.", {
      retryAfterMs,
      quota,
    });
    const { classify } = await withAdapter({}, { classifier: refusing(error) });
    const response = await classify();
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("3");
    expect(response.headers.get("ratelimit-policy")).toBe('"waiting-texts";q=4096');
    expect(response.headers.get("ratelimit")).toBe('"waiting-texts";r=5;t=3');
    expect(await response.json()).toMatchObject({ detail: "Send more later." });
  });

  it.each(["classifier_overloaded", "deadline_unmet"] as const)(
    "%s: why, and when to ask again",
    async (code) => {
      const error = new OverloadError(code, "Try again shortly.", { retryAfterMs });
      const { classify } = await withAdapter({}, { classifier: refusing(error) });
      const response = await classify();
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("3");
      expect(await response.json()).toMatchObject({ code, detail: "Try again shortly." });
    },
  );
});

describe("a caller's time", () => {
  it("reaches the classifier", async () => {
    const seen: unknown[] = [];
    const classifier: ClassifierPort = {
      ...fakeClassifier,
      classify: async (_adapter, _inputs, options) => {
        seen.push(options);
        return [];
      },
    };
    const { classify } = await withAdapter({}, { classifier });
    await classify({}, { "Softgate-Timeout-Ms": "250" });
    await classify();
    expect(seen).toMatchObject([{ timeoutMs: 250 }, {}]);
    expect(seen[1]).not.toHaveProperty("timeoutMs");
  });

  it.each(["0", "60001", "-1", "1.5", "soon", ""])("is refused where it is %j", async (value) => {
    const { classify } = await withAdapter();
    const response = await classify({}, { "Softgate-Timeout-Ms": value });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("from 1 to 60000") });
  });
});

describe("404", () => {
  it("another tenant's adapter is answered, byte by byte, like a missing one", async () => {
    const { send, keys } = await withAdapter();
    const empty = await createTestApp();
    const body = { adapterId: "router", inputs: "hello" };
    const headers = { "X-Request-Id": "same" };
    const others = await send("POST", "/v1/classify", body, { headers, key: keys.beta });
    const missing = await empty.send("POST", "/v1/classify", body, { headers, key: empty.keys.beta });
    expect(others.status).toBe(404);
    expect([...others.headers]).toEqual([...missing.headers]);
    expect(await others.text()).toBe(await missing.text());
  });

  it("a version that was never made is missing", async () => {
    const { classify } = await withAdapter();
    const response = await classify({ adapterId: "router:9" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "version_not_found" });
  });
});

describe("409", () => {
  it("an adapter of another backbone is refused with both backbones and the remedy", async () => {
    const other = { id: "other", digest: `sha256:${"b".repeat(64)}` };
    const { classify } = await withAdapter({ backbone: other });
    const response = await classify();
    expect(response.status).toBe(409);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect(code).toBe("backbone_mismatch");
    for (const part of [other.id, other.digest, BACKBONE.id, BACKBONE.digest, "Train"])
      expect(detail).toContain(part);
  });
});

describe("500", () => {
  it("an adapter whose labels are not its manifest's is never served", async () => {
    const { classify, lines } = await withAdapter({ labels: ["a", "b"], manifestLabels: ["b", "a"] });
    const response = await classify();
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: "invalid_adapter" });
    expect(lines[0]).toMatchObject({ event: "error", code: "invalid_adapter" });
  });
});
