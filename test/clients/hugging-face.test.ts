// The real clients of Hugging Face's inference API against our server: what they are told, and what they make of errors.
import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OverloadError } from "#model";
import { type Listener, listen } from "../../functions/listen.ts";
import type { ClassifierPort } from "../../functions/services.ts";
import { createTestApp, fakeClassifier, publishAdapter } from "../../functions/test-app.ts";
import { findClientsPython, runPython } from "./run-python.ts";

const PYTHON_MS_MAX = 180_000;

let listener: Listener;
let keys: { alpha: string; beta: string };
let isFull = false;
let requests = 0;

beforeAll(async () => {
  const classify: ClassifierPort["classify"] = async (...args) => {
    requests += 1;
    if (isFull)
      throw new OverloadError("classifier_overloaded", "Too many texts wait.", { retryAfterMs: 2_000 });
    return fakeClassifier.classify(...args);
  };
  const test = await createTestApp({ classifier: { ...fakeClassifier, classify } });
  await publishAdapter(test.registry, { name: "router", labels: ["a", "b", "c"] });
  keys = test.keys;
  listener = await listen(test.app.fetch, { host: "127.0.0.1", port: 0 });
});
afterAll(() => listener.close());

const [a, b, c] = [
  { label: "a", score: 0.5 },
  { label: "b", score: 0.25 },
  { label: "c", score: 0.125 },
];

describe("@huggingface/inference", () => {
  const client = (adapterId = "router", key = keys.alpha) =>
    new InferenceClient(key).endpoint(`${listener.url}/models/${adapterId}`);

  it("gets every label with its score, the best first", async () => {
    expect(await client().textClassification({ inputs: "hello" })).toEqual([a, b, c]);
  });

  it.each(["router:1", "router@production"])("the adapter id %s is a part of the path", async (adapterId) => {
    expect(await client(adapterId).textClassification({ inputs: "hello" })).toHaveLength(3);
  });

  it("top_k and function_to_apply are followed", async () => {
    const parameters = { top_k: 2, function_to_apply: "softmax" } as const;
    expect(await client().textClassification({ inputs: "hello", parameters })).toEqual([a, b]);
    const raw = await client().textClassification({
      inputs: "hello",
      parameters: { function_to_apply: "none" },
    });
    expect(raw.map(({ score }) => Math.exp(score))).toEqual(
      [0.5, 0.25, 0.125].map((score) => expect.closeTo(score, 5)),
    );
  });

  it("says what is wrong, in our words", async () => {
    const parameters = { function_to_apply: "sigmoid" } as const;
    await expect(client().textClassification({ inputs: "hello", parameters })).rejects.toThrow(
      "Failed to perform inference: parameters.function_to_apply: must be softmax or none",
    );
    await expect(client("missing").textClassification({ inputs: "hello" })).rejects.toMatchObject({
      message: expect.stringContaining("missing"),
      httpResponse: { status: 404, body: { code: "adapter_not_found" } },
    });
    await expect(client("router", "sg_wrong").textClassification({ inputs: "hello" })).rejects.toThrow(
      /Failed to perform inference: This key is unknown/,
    );
    await expect(client("router", keys.beta).textClassification({ inputs: "hello" })).rejects.toMatchObject({
      httpResponse: { status: 404 },
    });
  });

  it("a full server is not asked again without end: it is a 429, which this client gives up on", async () => {
    isFull = true;
    requests = 0;
    await expect(client().textClassification({ inputs: "hello" })).rejects.toMatchObject({
      httpResponse: { status: 429 },
    });
    expect(requests).toBe(1);
    isFull = false;
  });
});

describe("huggingface_hub, in Python", () => {
  interface Told {
    readonly elements?: readonly [string, number][];
    readonly status?: number;
    readonly message?: string;
  }

  it(
    "gets labels and scores, and says what is wrong in our words",
    async ({ skip }) => {
      const python = await findClientsPython();
      if (!python) return skip("there is no Python to be had");
      const path = "/models/router";
      const calls = [
        { path, text: "hello" },
        { path, text: "hello", options: { top_k: 2, function_to_apply: "softmax" } },
        { path, text: "hello", options: { function_to_apply: "sigmoid" } },
        { path: "/models/missing", text: "hello" },
        { path, text: "hello", key: "sg_wrong" },
        { path, text: " " },
      ];
      const told = await runPython<Told>(python, "hugging_face.py", {
        url: listener.url,
        key: keys.alpha,
        calls,
      });
      expect(told[0]).toEqual({
        elements: [
          ["a", 0.5],
          ["b", 0.25],
          ["c", 0.125],
        ],
      });
      expect(told[1]).toEqual({
        elements: [
          ["a", 0.5],
          ["b", 0.25],
        ],
      });
      expect(told[2]).toMatchObject({
        status: 400,
        message: expect.stringContaining("must be softmax or none"),
      });
      expect(told[3]).toMatchObject({ status: 404, message: expect.stringContaining("missing") });
      expect(told[4]).toMatchObject({ status: 401, message: expect.stringContaining("This key is unknown") });
      expect(told[5]).toMatchObject({ status: 400, message: expect.stringContaining("inputs") });
    },
    PYTHON_MS_MAX,
  );
});
