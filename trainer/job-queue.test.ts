import { beforeEach, describe, expect, it } from "vitest";
import {
  type AdapterName,
  createSigner,
  createSigningKey,
  type DatasetRecord,
  type PublishedAdapter,
  type PublishRequest,
  type Registry,
  type ResolvedAdapter,
  type StoredEvaluation,
  type TenantId,
} from "#registry";
import { type Job, type JobObserver, TrainerError } from "./job.ts";
import { createJobQueue, type JobQueueOptions } from "./job-queue.ts";
import { parseJobRecord } from "./job-record.ts";
import type { ChildTrainRequest, ChildTrainResult } from "./train-in-child.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const report = { method: "spt", seed: 0 } as ChildTrainResult["report"];
const trained: ChildTrainResult = {
  encoders: { int8: `sha256:${"e".repeat(64)}` },
  files: { config: new Uint8Array(1), weights: new Uint8Array(1) },
  labels: ["no", "yes"],
  insertions: [],
  width: 2,
  temperature: 1,
  outOfScope: { score: "max_logit", below: 0.5 },
  backbone: { id: "tiny", digest: DIGEST },
  report,
};

/** Of the version that the alias points at. */
const current = { config: new Uint8Array(2), weights: new Uint8Array(2) };

/** The part of the registry that a queue uses; keeps what was written. */
class FakeRegistry {
  readonly records = new Map<string, Job>();
  readonly writes: Job[] = [];
  readonly published: PublishRequest[] = [];

  async getDataset(_tenant: TenantId, id: string): Promise<DatasetRecord & { content: Uint8Array }> {
    return {
      id,
      digest: DIGEST,
      bytes: 1,
      rows: 8,
      labels: ["no", "yes"],
      fileName: "tickets.csv",
      mediaType: "text/csv",
      columns: { text: "text", label: "label" },
      createdAt: "",
      content: new Uint8Array([65]),
    };
  }

  testSet: Awaited<ReturnType<Registry["findTestSet"]>>;
  readonly recorded: Parameters<Registry["recordEvaluation"]>[2][] = [];

  async findTestSet() {
    return this.testSet;
  }

  async resolve(_tenant: TenantId, { name }: { name: AdapterName }): Promise<ResolvedAdapter> {
    return { name, version: 3, manifest: { backbone: { digest: DIGEST } } } as ResolvedAdapter;
  }

  async readFiles() {
    return current;
  }

  async recordEvaluation(...[, , evaluation]: Parameters<Registry["recordEvaluation"]>) {
    this.recorded.push(evaluation);
    return {} as StoredEvaluation;
  }

  async publish(_tenant: TenantId, request: PublishRequest): Promise<PublishedAdapter> {
    this.published.push(request);
    return { name: request.name, version: this.published.length, digest: DIGEST } as PublishedAdapter;
  }

  async putJob(tenant: TenantId, id: string, record: unknown): Promise<void> {
    const job = structuredClone(record) as Job;
    this.writes.push(job);
    this.records.set(`${tenant}/${id}`, job);
  }

  async getJob(tenant: TenantId, id: string): Promise<unknown> {
    return this.records.get(`${tenant}/${id}`);
  }

  async listUnfinishedJobs(): ReturnType<Registry["listUnfinishedJobs"]> {
    return [...this.records]
      .filter(([, { state }]) => state === "queued" || state === "running")
      .map(([key, record]) => ({ tenant: key.split("/")[0] as TenantId, id: record.id, record }));
  }
}

let registry: FakeRegistry;
let nowMs: number;
let lines: Record<string, unknown>[];
/** Trainings that were started, each waiting to be ended by the test. */
let trainings: (PromiseWithResolvers<ChildTrainResult> & { request: ChildTrainRequest })[];

beforeEach(() => {
  registry = new FakeRegistry();
  nowMs = 0;
  lines = [];
  trainings = [];
});

function createQueue(options: Partial<JobQueueOptions> = {}) {
  let ids = 0;
  return createJobQueue({
    registry,
    train: (request) => {
      const training = { ...Promise.withResolvers<ChildTrainResult>(), request };
      request.signal?.addEventListener("abort", () => training.reject(request.signal?.reason));
      trainings.push(training);
      return training.promise;
    },
    backbone: { id: "tiny", folder: "/backbones/tiny", digest: DIGEST },
    softgateVersion: "1.2.3",
    now: () => nowMs,
    randomId: () => `job-${++ids}`,
    log: (event) => void lines.push(event),
    ...options,
  });
}

const submission = (adapterName = "router") => ({ adapterName, datasetId: "ds", options: { seed: 7 } });

/** Lets everything that is ready run: nothing here waits for time or for the network. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function endTraining(index: number, result: ChildTrainResult | Error = trained) {
  if (result instanceof Error) trainings[index]?.reject(result);
  else trainings[index]?.resolve(result);
  await settle();
}

describe("a job's origin", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const origin = { requestId: "r-7", traceparent: `00-${traceId}-00f067aa0ba902b7-01` };

  it("is on every line of its log, is told with each step, and stays in its record", async () => {
    const seen: unknown[] = [];
    const observer: JobObserver = {
      step: (step, job, work) => {
        seen.push([step, job]);
        return work({ phaseStarted: (phase) => seen.push(phase), note: (facts) => seen.push(facts) });
      },
    };
    const queue = createQueue({ observer });
    const { id } = await queue.submit("alpha", { ...submission(), origin });
    await settle();
    trainings[0]?.request.onProgress?.({ phase: "embed", progress: 0, step: 0, steps: 1 });
    await endTraining(0);
    const job = { id, tenant: "alpha", origin };
    expect(seen).toEqual([
      ...[["train", job], "embed"],
      ...[["publish", job], { version: 1, adapter_digest: DIGEST }],
    ]);
    expect(lines.map(({ event }) => event)).toEqual(["job_started", "job_succeeded"]);
    for (const line of lines) {
      expect(line).toMatchObject({ jobId: id, tenant: "alpha", requestId: "r-7", traceId });
    }
    expect(parseJobRecord(await queue.get("alpha", id)).origin).toEqual(origin);
  });
});

describe("a job", () => {
  it("whose alias is held back succeeds, and says why, also after a restart", async () => {
    const publish = registry.publish.bind(registry);
    const heldBack = "Alias production of router is protected.";
    registry.publish = async (tenant, request) => ({ ...(await publish(tenant, request)), heldBack });
    const { id } = await createQueue().submit("alpha", submission());
    await settle();
    await endTraining(0);
    for (const queue of [createQueue(), createQueue()]) {
      expect(await queue.get("alpha", id)).toMatchObject({
        state: "succeeded",
        adapter: { version: 1, heldBack },
      });
    }
  });

  it("is signed where the server has a key", async () => {
    const signer = createSigner(createSigningKey().privatePem);
    await createQueue({ signer }).submit("alpha", submission());
    await settle();
    await endTraining(0);
    expect(registry.published).toMatchObject([{ signer }]);
  });

  const own = { accuracy: 0.9, macroF1: 0.8, rows: 8, precision: "int8" } as const;
  it.each([
    ["and so is the version it is compared with, where that was not", false, { own, current: own }],
    ["alone, where the other was", true, { own }],
  ])("whose alias is held to a test set is evaluated on it, %s", async (_, isEvaluated, testFigures) => {
    registry.testSet = { datasetId: "ds_1", version: 3, isEvaluated };
    const submittedBy = { id: "key_1" };
    await createQueue().submit("alpha", { ...submission(), submittedBy });
    await settle();
    expect(trainings[0]?.request.testSet?.file).toMatchObject({ fileName: "tickets.csv" });
    expect(trainings[0]?.request.testSet?.current).toBe(isEvaluated ? undefined : current);
    await endTraining(0, { ...trained, testFigures });
    const evaluation = { ...own, datasetId: "ds_1", softgate: "1.2.3" };
    expect(registry.published).toMatchObject([{ evaluations: [evaluation] }]);
    expect(registry.recorded).toEqual(isEvaluated ? [] : [{ ...evaluation, version: 3, actor: submittedBy }]);
  });

  it("whose alias is held to none is given none", async () => {
    await createQueue().submit("alpha", submission());
    await settle();
    expect(trainings[0]?.request).not.toHaveProperty("testSet");
    await endTraining(0);
    expect(registry.published[0]).not.toHaveProperty("evaluations");
  });

  it("publishes in the name of who submitted it", async () => {
    const submittedBy = { id: "key_1", requestId: "request-1" };
    await createQueue().submit("alpha", { ...submission(), submittedBy });
    await settle();
    await endTraining(0);
    expect(registry.published).toMatchObject([{ actor: submittedBy }]);
  });

  it("goes from queued to succeeded, is published once under its id, and every step is written", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    expect(trainings[0]?.request).toMatchObject({
      backboneFolder: "/backbones/tiny",
      backboneId: "tiny",
      dataset: {
        bytes: new Uint8Array([65]),
        ...{ fileName: "tickets.csv", mediaType: "text/csv", columns: { text: "text", label: "label" } },
      },
      options: { seed: 7 },
    });
    nowMs = 5_000;
    await endTraining(0);
    expect(await queue.get("alpha", id)).toMatchObject({
      state: "succeeded",
      progress: 1,
      report,
      adapter: { name: "router", version: 1, digest: DIGEST },
      createdAt: "1970-01-01T00:00:00.000Z",
      updatedAt: "1970-01-01T00:00:05.000Z",
    });
    expect(
      registry.writes.map(({ state }) => state).filter((state, at, all) => state !== all[at - 1]),
    ).toEqual(["queued", "running", "succeeded"]);
    expect(registry.published).toEqual([
      {
        name: "router",
        files: trained.files,
        alias: "production",
        idempotencyKey: id,
        manifest: {
          createdBy: { jobId: id, softgate: "1.2.3" },
          backbone: { id: "tiny", digest: DIGEST, width: 2 },
          encoders: trained.encoders,
          labels: ["no", "yes"],
          insertions: [],
          temperature: 1,
          outOfScope: { score: "max_logit", below: 0.5 },
          dataset: { digest: DIGEST, rows: 8 },
          report,
        },
      },
    ]);
  });

  it("shows its progress at once and writes it at most once a second", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    const writesBefore = registry.writes.length;
    for (let step = 1; step <= 50; step += 1) {
      nowMs = step * 100;
      trainings[0]?.request.onProgress?.({ phase: "search", progress: step / 100, step, steps: 100 });
      expect(await queue.get("alpha", id)).toMatchObject({ phase: "search", progress: step / 100 });
    }
    await settle();
    expect(registry.writes.length - writesBefore).toBe(5);
  });

  it("never goes back, and never past the end", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    const seen: (number | undefined)[] = [];
    for (const progress of [0.5, 0.2, Number.NaN, 7]) {
      trainings[0]?.request.onProgress?.({ phase: "search", progress, step: 1, steps: 1 });
      seen.push((await queue.get("alpha", id))?.progress);
    }
    expect(seen).toEqual([0.5, 0.5, 0.5, 1]);
    await endTraining(0, new Error("late"));
    trainings[0]?.request.onProgress?.({ phase: "head", progress: 1, step: 1, steps: 1 });
    expect(await queue.get("alpha", id)).toMatchObject({ state: "failed", phase: "search" });
  });

  it("is unknown to every tenant but its own", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    expect(await queue.get("beta", id)).toBeUndefined();
    expect(await queue.get("alpha", "../beta/job")).toBeUndefined();
  });

  it("is answered from the store when this process does not know it", async () => {
    const { id } = await createQueue().submit("alpha", submission());
    expect(await createQueue().get("alpha", id)).toMatchObject({ id, adapterName: "router" });
  });
});

describe("a job that fails", () => {
  it("says what the rooms' errors say to the caller", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await endTraining(0, new TrainerError("invalid_dataset", "Row 3 has no label.", { cause: "secret" }));
    expect(await queue.get("alpha", id)).toMatchObject({
      state: "failed",
      error: { code: "invalid_dataset", message: "Row 3 has no label." },
    });
  });

  it("of a dataset that cannot be learned from, the log has the code, and nothing that the file says", async () => {
    const queue = createQueue();
    await queue.submit("alpha", submission());
    await settle();
    await endTraining(0, new TrainerError("invalid_dataset", 'Row 3: "a private text" has two labels.'));
    expect(lines).toContainEqual(expect.objectContaining({ event: "job_failed", code: "invalid_dataset" }));
    expect(JSON.stringify(lines)).not.toContain("private");
  });

  it("whose process broke: the log has what that said at its end", async () => {
    const queue = createQueue();
    await queue.submit("alpha", submission());
    await settle();
    const cause = new Error("Segmentation fault");
    await endTraining(0, new TrainerError("training_failed", "It ended before it was done.", { cause }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        code: "training_failed",
        error: expect.stringContaining("Segmentation fault"),
      }),
    );
  });

  it("says nothing of an unknown error, and the log all of it", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await endTraining(0, Object.assign(new Error("/home/secret"), { code: "ENOENT" }));
    const job = await queue.get("alpha", id);
    expect(job).toMatchObject({ state: "failed", error: { code: "training_failed" } });
    expect(JSON.stringify(job)).not.toContain("secret");
    expect(lines).toContainEqual(
      expect.objectContaining({ jobId: id, error: expect.stringContaining("secret") }),
    );
  });

  it("does not hold up the next one", async () => {
    const queue = createQueue();
    await queue.submit("alpha", submission());
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await endTraining(0, new Error("broken"));
    await endTraining(1);
    expect(await queue.get("alpha", id)).toMatchObject({ state: "succeeded" });
  });

  it("is not published when the backbone on disk is no longer the server's", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await endTraining(0, { ...trained, backbone: { id: "tiny", digest: `sha256:${"b".repeat(64)}` } });
    expect(await queue.get("alpha", id)).toMatchObject({
      state: "failed",
      error: { code: "backbone_mismatch" },
    });
    expect(registry.published).toEqual([]);
  });

  it("because it took too long says so", async () => {
    const queue = createQueue({ trainMsMax: 1 });
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await trainings[0]?.promise.catch(() => undefined);
    await settle();
    expect(await queue.get("alpha", id)).toMatchObject({
      state: "failed",
      error: { code: "training_failed", message: expect.stringContaining("longer") },
    });
  });
});

describe("the store", () => {
  it("refusing a job's first record refuses the job, and the queue goes on", async () => {
    const queue = createQueue();
    const put = registry.putJob.bind(registry);
    registry.putJob = () => Promise.reject(new Error("no store"));
    await expect(queue.submit("alpha", submission())).rejects.toThrow("no store");
    registry.putJob = put;
    const { id } = await queue.submit("alpha", submission());
    await settle();
    await endTraining(0);
    expect(await queue.get("alpha", id)).toMatchObject({ state: "succeeded" });
    expect(trainings).toHaveLength(1);
  });

  it("refusing a later record does not lose the training", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await settle();
    registry.putJob = () => Promise.reject(new Error("no store"));
    await endTraining(0);
    expect(await queue.get("alpha", id)).toMatchObject({ state: "succeeded" });
    expect(lines).toContainEqual(expect.objectContaining({ event: "job_not_written", state: "succeeded" }));
  });

  it("never gets an older record of a job after a newer one", async () => {
    const queue = createQueue();
    await queue.submit("alpha", submission());
    await settle();
    const put = registry.putJob.bind(registry);
    const slow = Promise.withResolvers<void>();
    registry.putJob = async (...record) => {
      await slow.promise;
      await put(...record);
    };
    nowMs = 2_000;
    trainings[0]?.request.onProgress?.({ phase: "search", progress: 0.5, step: 1, steps: 2 });
    await settle();
    registry.putJob = put;
    await endTraining(0);
    slow.resolve();
    await settle();
    expect(registry.writes.slice(-2)).toMatchObject([{ progress: 0.5 }, { state: "succeeded" }]);
  });
});

describe("the queue", () => {
  it("trains one job at a time, tenants in turn", async () => {
    const queue = createQueue();
    for (const name of ["a1", "a2", "a3"]) await queue.submit("alpha", submission(name));
    for (const name of ["b1", "b2"]) await queue.submit("beta", submission(name));
    for (let index = 0; index < 5; index += 1) {
      await settle();
      expect(trainings).toHaveLength(index + 1);
      await endTraining(index);
    }
    expect(registry.published.map(({ name }) => name)).toEqual(["a1", "a2", "b1", "a3", "b2"]);
  });

  it("is bounded, also for jobs submitted together", async () => {
    const queue = createQueue({ queueLengthMax: 4, queueLengthPerTenantMax: 4 });
    const results = await Promise.allSettled(
      Array.from({ length: 7 }, () => queue.submit("alpha", submission())),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(results.at(-1)).toMatchObject({ reason: { code: "queue_full" } });
  });

  it("keeps room for others when one tenant fills its half", async () => {
    const queue = createQueue({ queueLengthMax: 4 });
    for (let job = 0; job < 3; job += 1) await queue.submit("alpha", submission());
    await expect(queue.submit("alpha", submission())).rejects.toMatchObject({
      code: "queue_full",
      publicMessage: expect.stringContaining("of your jobs"),
    });
    expect(await queue.submit("beta", submission())).toMatchObject({ state: "queued" });
  });
});

describe("the end", () => {
  it("ends the running training, marks all jobs interrupted, and takes no more", async () => {
    const queue = createQueue();
    const running = await queue.submit("alpha", submission());
    const waiting = await queue.submit("beta", submission());
    await settle();
    await queue.close();
    expect(trainings[0]?.request.signal?.aborted).toBe(true);
    for (const [tenant, id] of [
      ["alpha", running.id],
      ["beta", waiting.id],
    ] as const) {
      expect(registry.records.get(`${tenant}/${id}`)).toMatchObject({
        state: "failed",
        error: { code: "job_interrupted", message: expect.stringContaining("submit it again") },
      });
    }
    expect(trainings).toHaveLength(1);
    await expect(queue.submit("alpha", submission())).rejects.toMatchObject({ code: "queue_full" });
  });

  it("a recovery beside the first jobs leaves those alone", async () => {
    const queue = createQueue();
    const { id } = await queue.submit("alpha", submission());
    await queue.recover();
    await settle();
    expect(await queue.get("alpha", id)).not.toMatchObject({ state: "failed" });
    await endTraining(0);
    expect(await queue.get("alpha", id)).toMatchObject({ state: "succeeded" });
  });

  it("a start marks the jobs of a process that died, and says what to do", async () => {
    const died = createQueue();
    const { id } = await died.submit("alpha", submission());
    await settle();
    registry.records.set("alpha/odd", { id: "odd", state: "queued" } as Job);
    const queue = createQueue();
    await queue.recover();
    expect(await queue.get("alpha", id)).toMatchObject({
      state: "failed",
      error: { code: "job_interrupted" },
    });
    expect(registry.records.get(`alpha/${id}`)).toMatchObject({ state: "failed" });
    expect(lines).toContainEqual(expect.objectContaining({ event: "job_record_unreadable", jobId: "odd" }));
  });
});
