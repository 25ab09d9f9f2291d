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
      ...{ state: "queued", attempt: 0, priority: 0 },
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

  it("lists jobs by pages, the newest first, or those of an adapter or a state", async () => {
    const { train, send, jobs, keys } = await withDataset();
    for (const name of ["a", "b", "a"]) await train({ name });
    jobs.set("job-1", { state: "failed" });
    const list = async (query: string, key = keys.alpha) =>
      (await (await send("GET", `/v1/jobs${query}`, undefined, { key })).json()) as {
        jobs: { id: string }[];
        has_more: boolean;
        next?: string;
      };
    const ids = async (query: string, key?: string) => (await list(query, key)).jobs.map(({ id }) => id);
    expect(await list("?limit=2")).toMatchObject({
      jobs: [{ id: "job-3", adapterName: "a" }, { id: "job-2" }],
      ...{ has_more: true, next: "job-2" },
    });
    expect(await list("?limit=2&after=job-2")).toMatchObject({ jobs: [{ id: "job-1" }], has_more: false });
    expect(await ids("?adapter=a")).toEqual(["job-3", "job-1"]);
    expect(await ids("?state=failed")).toEqual(["job-1"]);
    expect(await ids("", keys.beta)).toEqual([]);
  });

  it("a job that is cancelled says so; cancelled again, it is the same", async () => {
    const { train, send } = await withDataset();
    await train();
    for (let times = 0; times < 2; times += 1) {
      const response = await send("POST", "/v1/jobs/job-1/cancel", {});
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: "job-1", state: "cancelled" });
    }
  });
});

describe("a job whose retries are spent", () => {
  it("says so, and is in line again when it is retried", async () => {
    const { train, send, jobs } = await withDataset();
    await train();
    jobs.set("job-1", { state: "failed", error: { code: "training_failed", message: "It broke." } });
    expect(await (await send("GET", "/v1/jobs/job-1")).json()).not.toHaveProperty("retriable");
    jobs.set("job-1", { isRetriable: true });
    const { jobs: listed } = (await (await send("GET", "/v1/jobs?state=failed")).json()) as {
      jobs: object[];
    };
    expect(listed).toMatchObject([{ id: "job-1", retriable: true }]);
    const response = await send("POST", "/v1/jobs/job-1/retry");
    expect(response.status).toBe(200);
    const retried = await response.json();
    expect(retried).toMatchObject({ id: "job-1", state: "queued" });
    expect(retried).not.toHaveProperty("retriable");
  });

  it("is retried once for one Idempotency-Key, however often that is sent", async () => {
    const { train, send, jobs } = await withDataset();
    await train();
    let times = 0;
    const retry = jobs.retry.bind(jobs);
    jobs.retry = (...given) => {
      times += 1;
      return retry(...given);
    };
    const headers = { "Idempotency-Key": "k-1" };
    const [first, again] = [
      await send("POST", "/v1/jobs/job-1/retry", undefined, { headers }),
      await send("POST", "/v1/jobs/job-1/retry", undefined, { headers }),
    ];
    expect(await again.text()).toBe(await first.text());
    expect([again.headers.get("idempotent-replayed"), times]).toEqual(["true", 1]);
  });
});

describe("400", () => {
  it.each([
    ["?limit=0", "limit"],
    ["?after=job-9", "after"],
    ["?state=done", "state"],
    ["?adapter=../x", "adapter"],
  ])("a list with %s is refused", async (query, what) => {
    const response = await (await createTestApp()).send("GET", `/v1/jobs${query}`);
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain(what);
  });

  it.each(["-1", "61", "soon", "1.5"])("a wait of %s seconds is refused", async (wait) => {
    const response = await (await createTestApp()).send("GET", `/v1/jobs/job-1?wait=${wait}`);
    expect(response.status).toBe(400);
  });

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
    for (const [method, path] of [
      ["GET", "/v1/jobs/job-1"],
      ["GET", "/v1/jobs/job-1?wait=1"],
      ["POST", "/v1/jobs/job-1/cancel"],
      ["POST", "/v1/jobs/job-1/retry"],
    ] as const) {
      const body = method === "POST" ? {} : undefined;
      const others = await send(method, path, body, { key: keys.beta, headers: same });
      const missing = await (await createTestApp()).send(method, path, body, { headers: same });
      expect(others.status).toBe(404);
      expect(await others.text()).toBe(await missing.text());
    }
  });
});

describe("409", () => {
  it("a job that publishes already is not cancelled", async () => {
    const { train, send, jobs } = await withDataset();
    await train();
    jobs.cancel = () => Promise.reject(new TrainerError("job_not_cancellable", "It publishes."));
    const response = await send("POST", "/v1/jobs/job-1/cancel", {});
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "job_not_cancellable" });
  });

  it("a job that is no dead letter is not retried", async () => {
    const { train, send, jobs } = await withDataset();
    await train();
    jobs.retry = () => Promise.reject(new TrainerError("job_not_retriable", "The job is queued."));
    const response = await send("POST", "/v1/jobs/job-1/retry");
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "job_not_retriable" });
  });
});

describe("503", () => {
  it("a job database that is not to be had says when to come again", async () => {
    const { send, jobs } = await createTestApp();
    const message = "The job database is held by another process.";
    jobs.list = () => Promise.reject(new TrainerError("jobs_unavailable", message));
    const response = await send("GET", "/v1/jobs");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.json()).toMatchObject({ code: "jobs_unavailable" });
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
