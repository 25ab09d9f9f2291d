import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { alpha, createTestApp, publishAdapter, type TestApp } from "../../test-app.ts";

const CSV = `text,label\n${["a", "b", "c", "d", "e"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;
const FEEDBACK = "/v1/adapters/tickets/feedback";
const RETRAIN = "/v1/adapters/tickets/retrain";

let test: TestApp;

beforeEach(async () => {
  test = await createTestApp();
});
afterEach(() => vi.unstubAllEnvs());

/** An adapter that was trained on a dataset that is there. */
async function publishTrained(): Promise<string> {
  const { id, digest, rows } = await test.registry.putDataset(alpha, {
    ...{ bytes: new TextEncoder().encode(CSV), rows: 10, labels: ["no", "yes"], fileName: "a.csv" },
    ...{ mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });
  await publishAdapter(test.registry, { name: "tickets", dataset: { id, digest, rows } });
  return id;
}

const give = async (text: string, label = "yes", more = {}) => {
  const response = await test.send("POST", FEEDBACK, { text, label, ...more });
  return { response, body: (await response.json()) as { id: string; code?: string; detail?: string } };
};
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe("201 and 200", () => {
  it("feedback is kept with what was answered, of the version that production leads to, and listed by pages", async () => {
    await publishTrained();
    const answered = { label: "no", score: 0.7, requestId: "r-1" };
    const { response, body } = await give("x", "yes", { answered });
    expect(response.status).toBe(201);
    expect(body).toMatchObject({ text: "x", label: "yes", version: 1, answered });
    await give("y");
    const first = await (await test.send("GET", `${FEEDBACK}?limit=1`)).json();
    expect(first).toMatchObject({ has_more: true, feedback: [{}] });
    const { next } = first as { next: string };
    const rest = (await (await test.send("GET", `${FEEDBACK}?limit=1&after=${next}`)).json()) as object;
    expect(rest).toMatchObject({ has_more: false, feedback: [{}] });
  });

  it("feedback sent again with its Idempotency-Key is kept once", async () => {
    await publishTrained();
    const headers = { "Idempotency-Key": "once" };
    for (let times = 0; times < 2; times += 1)
      await test.send("POST", FEEDBACK, { text: "x", label: "yes" }, { headers });
    expect(await (await test.send("GET", FEEDBACK)).json()).toMatchObject({
      has_more: false,
      feedback: [{ text: "x" }],
    });
  });
});

describe("202", () => {
  it("a retraining queues a job on the dataset with feedback, which wins over it", async () => {
    const before = await publishTrained();
    await give("x");
    await give("a bad", "yes");
    await give("a good", "yes");
    const response = await test.send("POST", RETRAIN, { options: { epochs: 3 } });
    expect(response.status).toBe(202);
    const body = (await response.json()) as { jobId: string; datasetId: string };
    expect(body).toMatchObject({
      ...{ version: 1, rows: 11 },
      feedback: { added: 2, replaced: 1, known: 1, outdated: 0, unfit: 0 },
    });
    expect(response.headers.get("location")).toBe(`/v1/jobs/${body.jobId}`);
    expect(body.datasetId).not.toBe(before);
    expect(await test.jobs.get("alpha", body.jobId)).toMatchObject({
      ...{ adapterName: "tickets", datasetId: body.datasetId, options: { epochs: 3 } },
      retraining: { version: 1, rowsBefore: 9 },
    });
    const { content } = await test.registry.getDataset(alpha, body.datasetId);
    expect(new TextDecoder().decode(content)).toContain('{"text":"a bad","label":"yes"}');
  });
});

describe("503 of a retraining", () => {
  it("where the folder for temporary files has no room says so, and keeps nothing", async () => {
    await publishTrained();
    await give("a bad", "yes");
    vi.stubEnv("TMPDIR", "/nowhere/at/all");
    const response = await test.send("POST", RETRAIN, {});
    expect([response.status, await codeOf(response)]).toEqual([503, "scratch_full"]);
    expect((await test.registry.listDatasets(alpha)).datasets).toHaveLength(1);
  });
});

describe("204", () => {
  it("feedback that is deleted is listed no more", async () => {
    await publishTrained();
    const { body } = await give("x");
    expect((await test.send("DELETE", `${FEEDBACK}/${body.id}`)).status).toBe(204);
    expect(await (await test.send("GET", FEEDBACK)).json()).toEqual({ feedback: [], has_more: false });
    expect((await test.send("DELETE", `${FEEDBACK}/${body.id}`)).status).toBe(404);
  });
});

describe("400", () => {
  it.each([
    ["no text", { label: "yes" }],
    ["an empty text", { text: " ", label: "yes" }],
    ["half of a surrogate pair", { text: "a\ud800", label: "yes" }],
    ["a label that the version does not know", { text: "x", label: "maybe" }],
    ["a score above 1", { text: "x", label: "yes", answered: { score: 2 } }],
  ])("%s", async (_, body) => {
    await publishTrained();
    const response = await test.send("POST", FEEDBACK, body);
    expect([response.status, await codeOf(response)]).toEqual([400, "invalid_request"]);
    expect(await (await test.send("GET", FEEDBACK)).json()).toEqual({ feedback: [], has_more: false });
  });

  it("a retraining without feedback, or with what the dataset says already, is refused and keeps nothing", async () => {
    await publishTrained();
    const without = await test.send("POST", RETRAIN, {});
    expect([without.status, await codeOf(without)]).toEqual([400, "invalid_request"]);
    await give("a good", "yes");
    const { bytes } = await test.registry.getUsage(alpha);
    const known = await test.send("POST", RETRAIN, {});
    expect([known.status, await codeOf(known)]).toEqual([400, "invalid_request"]);
    expect((await test.registry.getUsage(alpha)).bytes).toEqual(bytes);
  });
});

describe("404", () => {
  it("another tenant's adapter is answered as one that is not there", async () => {
    await publishTrained();
    const { body } = await give("x");
    for (const [method, path, sent] of [
      ["POST", FEEDBACK, { text: "x", label: "yes" }],
      ["GET", FEEDBACK, undefined],
      ["DELETE", `${FEEDBACK}/${body.id}`, undefined],
      ["POST", RETRAIN, {}],
    ] as const) {
      const response = await test.send(method, path, sent, { key: test.keys.beta });
      expect([method, response.status, await codeOf(response)]).toEqual([method, 404, "adapter_not_found"]);
    }
  });

  it("a retraining of a version whose dataset is not there says what to do", async () => {
    await publishAdapter(test.registry, { name: "tickets" });
    await give("x");
    const response = await test.send("POST", RETRAIN, {});
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "dataset_not_found",
      detail: expect.stringContaining("upload it"),
    });
  });

  it("a retraining does not take another dataset for the version's", async () => {
    const { id, rows } = await test.registry.putDataset(alpha, {
      ...{ bytes: new TextEncoder().encode(CSV), rows: 10, labels: ["no", "yes"], fileName: "a.csv" },
      ...{ mediaType: "text/csv", columns: { text: "text", label: "label" } },
    });
    const digest = `sha256:${"e".repeat(64)}`;
    await publishAdapter(test.registry, { name: "tickets", dataset: { id, digest, rows } });
    await give("x");
    expect(await codeOf(await test.send("POST", RETRAIN, {}))).toBe("dataset_not_found");
  });
});
