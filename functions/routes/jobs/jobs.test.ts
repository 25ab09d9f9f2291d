import { describe, expect, it } from "vitest";
import { TrainerError } from "#trainer/job";
import { alpha, createTestApp } from "../../test-app.ts";

async function withDataset() {
  const test = await createTestApp();
  const { id } = await test.registry.putDataset(alpha, {
    bytes: new TextEncoder().encode("text,label\n"),
    rows: 8,
    labels: ["no", "yes"],
    fileName: "dataset.csv",
    mediaType: "text/csv",
    columns: { text: "text", label: "label" },
  });
  const train = (body: Record<string, unknown> = {}, key = test.keys.alpha) =>
    test.send("POST", "/v1/adapters", { name: "router", datasetId: id, ...body }, { key });
  return { ...test, datasetId: id, train };
}

describe("202", () => {
  it("takes a job and says where to follow it", async () => {
    const { train, send, datasetId } = await withDataset();
    const response = await train({ options: { epochs: 3 } });
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toBe("/v1/jobs/job-1");
    expect(await response.json()).toEqual({ jobId: "job-1" });
    expect(await (await send("GET", "/v1/jobs/job-1")).json()).toEqual({
      id: "job-1",
      state: "queued",
      progress: 0,
      adapterName: "router",
      datasetId,
      createdAt: "2026-01-01T00:00:00.000Z",
      updatedAt: "2026-01-01T00:00:00.000Z",
    });
  });
});

describe("200", () => {
  it("a failed job shows its error", async () => {
    const { train, send, jobs } = await withDataset();
    await train();
    const error = { code: "job_interrupted", message: "Submit it again." };
    jobs.set("job-1", { state: "failed", phase: "search", error });
    expect(await (await send("GET", "/v1/jobs/job-1")).json()).toMatchObject({
      state: "failed",
      phase: "search",
      error,
    });
  });
});

describe("400", () => {
  it("names the option that is wrong", async () => {
    const { train } = await withDataset();
    const response = await train({ options: { epochs: 0 } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_options",
      detail: expect.stringContaining("options.epochs"),
      errors: [{ pointer: "#/options/epochs" }],
    });
  });

  it.each([
    ["a name with a slash", { name: "../x" }, "invalid_name"],
    ["no name", { name: undefined }, "invalid_request"],
    ["a tenant in the body", { tenant: "beta" }, "invalid_request"],
    ["options that are a list", { options: [] }, "invalid_options"],
    ["options that are null", { options: null }, "invalid_options"],
  ])("refuses %s", async (_, body, code) => {
    const { train } = await withDataset();
    const response = await train(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("404", () => {
  it("a dataset of another tenant is as missing as one that never was", async () => {
    const { train, keys } = await withDataset();
    const others = await train({}, keys.beta);
    const missing = await train({ datasetId: "none" });
    for (const response of [others, missing]) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "dataset_not_found" });
    }
  });

  it("a job of another tenant is as missing as one that never was", async () => {
    const { train, send, keys } = await withDataset();
    await train();
    const same = { "X-Request-Id": "same" };
    const others = await send("GET", "/v1/jobs/job-1", undefined, { key: keys.beta, headers: same });
    const missing = await (await createTestApp()).send("GET", "/v1/jobs/job-1", undefined, { headers: same });
    expect(others.status).toBe(404);
    expect(await others.text()).toBe(await missing.text());
  });
});

describe("415", () => {
  it("a body that is not declared JSON is told how to be", async () => {
    const { send } = await createTestApp();
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const response = await send("POST", "/v1/adapters", "{}", { headers });
    expect(response.status).toBe(415);
  });
});

describe("429", () => {
  it("a full queue says when to come again", async () => {
    const { train, jobs } = await withDataset();
    jobs.submit = () => Promise.reject(new TrainerError("queue_full", "100 jobs are waiting."));
    const response = await train();
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("30");
    expect(await response.json()).toMatchObject({ code: "queue_full", detail: "100 jobs are waiting." });
  });
});
