// OpenAI's SDKs against the whole app on a real server: files, fine-tuning jobs and models, as they are documented there.
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobEvent } from "#trainer/job";
import { type Listener, listen } from "../../functions/listen.ts";
import { BACKBONE, createTestApp, publishAdapter, type TestApp } from "../../functions/test-app.ts";
import { findClientsPython, runPython } from "./run-python.ts";

const PYTHON_MS_MAX = 180_000;
const jsonl = Array.from({ length: 12 }, (_, row) =>
  JSON.stringify({ text: `text ${row}`, label: row % 2 ? "a" : "b" }),
).join("\n");

let test: TestApp;
let listener: Listener;
let client: OpenAI;

beforeEach(async () => {
  test = await createTestApp();
  for (const name of ["router", "spare"]) await publishAdapter(test.registry, { name });
  listener = await listen(test.app.fetch, { host: "127.0.0.1", port: 0 });
  client = connect(test.keys.alpha);
});
afterEach(() => listener.close());

const connect = (apiKey: string) =>
  new OpenAI({ baseURL: `${listener.url}/openai/v1`, apiKey, maxRetries: 0 });
const upload = (text = jsonl, name = "tickets.jsonl") =>
  client.files.create({ file: new File([text], name), purpose: "fine-tune" });

async function begin(more: object = {}) {
  const { id } = await upload();
  return client.fineTuning.jobs.create({ model: BACKBONE.id, training_file: id, suffix: "tickets", ...more });
}

async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpenAI.APIError)) throw new Error(`no refusal: ${String(error)}`);
  return { type: error.constructor.name, code: error.code, message: error.message };
}

describe("files", () => {
  it("lines of text and label become a dataset of the same id, which tells itself", async () => {
    const file = await upload();
    expect(file).toMatchObject({
      ...{ object: "file", filename: "tickets.jsonl", purpose: "fine-tune", status: "processed" },
      ...{ id: expect.stringMatching(/^ds_/), bytes: jsonl.length },
    });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    const dataset = await test.registry.getDataset("alpha" as never, file.id);
    expect(dataset).toMatchObject({ rows: 12, labels: ["a", "b"] });
  });

  it("conversations, other purposes and other tenants' files are refused, and why is said", async () => {
    expect(await refusal(upload('{"messages":[]}\n'))).toEqual({
      type: "BadRequestError",
      code: "invalid_dataset",
      message: expect.stringContaining('columns "text" and "label" missing, found "messages"'),
    });
    const batch = client.files.create({ file: new File([jsonl], "a.jsonl"), purpose: "batch" });
    expect(await refusal(batch)).toEqual({
      type: "BadRequestError",
      code: "invalid_request",
      message: expect.stringContaining("fine-tune"),
    });
    const { id } = await upload();
    expect(await refusal(connect(test.keys.beta).files.retrieve(id))).toMatchObject({
      type: "NotFoundError",
      code: "dataset_not_found",
    });
  });
});

describe("fine-tuning jobs", () => {
  it("a job is a training: suffix is the adapter's name, epochs and seed are followed", async () => {
    const job = await begin({
      seed: 7,
      method: { type: "supervised", supervised: { hyperparameters: { n_epochs: 3, batch_size: "auto" } } },
    });
    expect(job).toMatchObject({
      ...{ object: "fine_tuning.job", status: "queued", model: BACKBONE.id, fine_tuned_model: null, seed: 7 },
      ...{
        user_provided_suffix: "tickets",
        hyperparameters: { n_epochs: 3 },
        finished_at: null,
        error: null,
      },
    });
    expect(await test.jobs.get("alpha", job.id)).toMatchObject({
      ...{ adapterName: "tickets", datasetId: job.training_file, options: { seed: 7, epochs: 3 } },
    });
  });

  it("it ends with the adapter id of its version, or with its error", async () => {
    const { id } = await begin();
    test.jobs.set(id, { state: "succeeded", adapter: { name: "tickets", version: 3, digest: "sha256:x" } });
    expect(await client.fineTuning.jobs.retrieve(id)).toMatchObject({
      ...{ status: "succeeded", fine_tuned_model: "tickets:3", finished_at: expect.any(Number) },
    });
    test.jobs.set(id, { state: "failed", error: { code: "training_failed", message: "It failed." } });
    expect((await client.fineTuning.jobs.retrieve(id)).error).toEqual({
      ...{ code: "training_failed", message: "It failed.", param: null },
    });
  });

  it("lists page by page, the newest first, and cancels", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await begin()).id);
    const listed: string[] = [];
    for await (const { id } of await client.fineTuning.jobs.list({ limit: 2 })) listed.push(id);
    expect(listed).toEqual(ids.toReversed());
    expect(await client.fineTuning.jobs.cancel(ids[0] ?? "")).toMatchObject({
      id: ids[0],
      status: "cancelled",
    });
  });

  it("tells events page by page, the latest first", async () => {
    const { id } = await begin();
    const at = "2026-01-01T00:00:00.000Z";
    const told: JobEvent["data"][] = [
      { type: "state", state: "queued", cause: "submitted", attempt: 0 },
      { type: "progress", phase: "search", progress: 0.5 },
      { type: "metrics", heldOut: { n: 8, accuracy: 0.9, macroF1: 0.8 }, seconds: 3 },
      {
        type: "state",
        state: "failed",
        cause: "error",
        attempt: 1,
        error: { code: "c", message: "It failed." },
      },
    ];
    test.jobs.set(
      id,
      {},
      told.map((data, index) => ({ seq: index + 1, at, data })),
    );
    const events = [];
    for await (const event of await client.fineTuning.jobs.listEvents(id, { limit: 3 })) events.push(event);
    expect(events.map(({ message, level, type }) => [message, level, type])).toEqual([
      ["failed: It failed.", "error", "message"],
      ["Held-out accuracy 0.9, macro-F1 0.8.", "info", "metrics"],
      ["search: 50 %", "info", "metrics"],
      ["queued", "info", "message"],
    ]);
  });

  it.each([
    ["another model", { model: "gpt-4o-mini" }, `model: must be ${BACKBONE.id}`],
    ["no name for the adapter", { suffix: undefined }, "suffix: is the adapter's name, and is required"],
    ["a validation file", { validation_file: "ds_1" }, "validation_file: is not supported"],
    ["a batch size", { hyperparameters: { batch_size: 8 } }, "hyperparameters.batch_size: must be auto"],
    ["preferences", { method: { type: "dpo" } }, "method.type: must be supervised"],
    ["metadata", { metadata: { a: "b" } }, "metadata: is not kept here"],
    ["something unknown", { priority: 1 }, "priority"],
    ["too many epochs", { hyperparameters: { n_epochs: 1_000 } }, "epochs"],
  ])("%s is refused rather than passed over", async (_, more, message) => {
    expect(await refusal(begin(more))).toEqual({
      type: "BadRequestError",
      code: expect.any(String),
      message: expect.stringContaining(message),
    });
  });

  it("a job or file of another tenant, and a page after nothing, are not there", async () => {
    const { id, training_file } = await begin();
    const beta = connect(test.keys.beta);
    expect(await refusal(beta.fineTuning.jobs.retrieve(id))).toMatchObject({
      type: "NotFoundError",
      code: "job_not_found",
    });
    expect(await refusal(beta.fineTuning.jobs.listEvents(id))).toMatchObject({
      type: "NotFoundError",
      code: "job_not_found",
    });
    const submit = beta.fineTuning.jobs.create({ model: "softgate", training_file, suffix: "a" } as never);
    expect(await refusal(submit)).toMatchObject({ type: "NotFoundError", code: "dataset_not_found" });
    for (const after of ["x", `${id}/x`]) {
      const page = client.fineTuning.jobs.listEvents(id, { after });
      expect(await refusal(page)).toMatchObject({ type: "BadRequestError", code: "invalid_request" });
    }
  });
});

describe("models", () => {
  it("are adapters: listed, told by adapter id, and deleted", async () => {
    const ids: string[] = [];
    for await (const { id } of await client.models.list()) ids.push(id);
    expect(ids).toEqual(["router", "spare"]);
    expect(await client.models.retrieve("router:1")).toMatchObject({
      id: "router:1",
      object: "model",
      owned_by: "alpha",
    });
    expect(await client.models.delete("spare")).toEqual({ id: "spare", object: "model", deleted: true });
    expect(await refusal(client.models.retrieve("spare"))).toMatchObject({
      type: "NotFoundError",
      code: "adapter_not_found",
    });
  });

  it("a wrong key is the SDK's AuthenticationError, with our words", async () => {
    expect(await refusal(connect("sg_wrong").models.list())).toEqual({
      type: "AuthenticationError",
      code: "unauthenticated",
      message: expect.stringContaining("This key is unknown"),
    });
  });
});

it(
  "the SDK for Python does all of it",
  async ({ skip }) => {
    const python = await findClientsPython();
    if (!python) return skip("there is no Python to be had");
    const input = { url: listener.url, key: test.keys.alpha, jsonl };
    const told = await runPython<{ name: string; value: unknown }>(python, "openai_calls.py", input);
    expect(Object.fromEntries(told.map(({ name, value }) => [name, value]))).toEqual({
      file: ["file", "tickets.jsonl", "fine-tune", "processed", jsonl.length],
      job: ["fine_tuning.job", "queued", true, 7, null],
      ...{ listed: true, retrieved: "queued", events: 0, cancelled: "cancelled" },
      ...{ models: ["router", "spare"], model: "router:1", deleted: true },
      missing: ["NotFoundError", "adapter_not_found", expect.any(String)],
      refused: ["BadRequestError", "invalid_request", expect.stringContaining("model: must be")],
      messages: ["BadRequestError", "invalid_dataset", expect.stringContaining("messages")],
      key: ["AuthenticationError", "unauthenticated", expect.any(String)],
    });
  },
  PYTHON_MS_MAX,
);
