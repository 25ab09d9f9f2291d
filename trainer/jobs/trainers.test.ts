import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
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
import { openContent } from "../dataset/content.ts";
import { type JobObserver, TrainerError } from "../job.ts";
import { type RunJobOptions, runJob } from "../run-job.ts";
import type { ChildTrainRequest, ChildTrainResult } from "../train-in-child.ts";
import type { OpenedJobs, OpenJobsOptions } from "./open-jobs.ts";
import { databases, submission, type TestDatabase } from "./test-jobs.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const report = {
  ...{ method: "spt", seed: 0, gates: [], seconds: 1 },
  heldOut: { n: 8, accuracy: 0.9, macroF1: 0.8 },
} as unknown as ChildTrainResult["report"];
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

/** The part of the registry that a job uses; keeps what was published. */
class FakeRegistry {
  readonly published: PublishRequest[] = [];

  async openDataset(
    _tenant: TenantId,
    id: string,
  ): Promise<DatasetRecord & { parts: AsyncIterable<Uint8Array> }> {
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
      parts: new Blob(["A"]).stream(),
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
}

let test: TestDatabase;
let registry: FakeRegistry;
let lines: Record<string, unknown>[];
/** Trainings that were started, each waiting to be ended by the test. */
let trainings: (PromiseWithResolvers<ChildTrainResult> & { request: ChildTrainRequest })[];
const opened: OpenedJobs[] = [];

beforeAll(async () => {
  const [embedded] = databases;
  if (!embedded) throw new Error("invariant: no database");
  test = await embedded.start();
});
beforeEach(() => {
  registry = new FakeRegistry();
  lines = [];
  trainings = [];
});
afterEach(async () => {
  for (const jobs of opened.splice(0)) await jobs.close();
});
afterAll(() => test.close());

async function open(
  options: Partial<OpenJobsOptions> & { work?: Partial<RunJobOptions>; count?: number } = {},
) {
  const { work, count = 1, ...jobsOptions } = options;
  const runOptions: RunJobOptions = {
    registry,
    train: (request) => {
      const training = { ...Promise.withResolvers<ChildTrainResult>(), request };
      request.signal?.addEventListener("abort", () => training.reject(request.signal?.reason));
      trainings.push(training);
      return training.promise;
    },
    backbone: { id: "tiny", folder: "/backbones/tiny", digest: DIGEST },
    softgateVersion: "1.2.3",
    ...work,
  };
  const jobs = await test.open({
    trainers: {
      ...{ count, perTenantMax: 9, now: Date.now },
      run: (request) => runJob({ ...request, tenant: request.tenant as TenantId }, runOptions),
    },
    log: (event) => void lines.push(event),
    ...jobsOptions,
  });
  opened.push(jobs);
  return jobs;
}

/** The nth training, once it was started. */
const training = (index: number) => vi.waitUntil(() => trainings[index], { timeout: 10_000, interval: 5 });

async function endTraining(index: number, result: ChildTrainResult | Error = trained): Promise<void> {
  const { resolve, reject } = await training(index);
  if (result instanceof Error) reject(result);
  else resolve(result);
}

const finished = ({ store }: OpenedJobs, id: string) => store.wait("alpha", id, { timeoutMs: 10_000 });

describe("a retraining", () => {
  it("is told to its training, and its version is for the alias candidate, not production", async () => {
    const jobs = await open();
    const retraining = { version: 3, rowsBefore: 20 };
    const { id } = await jobs.store.submit("alpha", { ...submission(), retraining });
    expect((await training(0)).request.retraining).toEqual(retraining);
    await endTraining(0);
    expect(await finished(jobs, id)).toMatchObject({ state: "succeeded", retraining });
    expect(registry.published.map(({ alias }) => alias)).toEqual(["candidate"]);
  });

  it("submitted again with its key is the same job, and another retraining with it is refused", async () => {
    const jobs = await open();
    const request = { ...submission(), retraining: { version: 3, rowsBefore: 20 }, idempotencyKey: "k" };
    const { id } = await jobs.store.submit("alpha", request);
    expect((await jobs.store.submit("alpha", request)).id).toBe(id);
    const other = { ...request, retraining: { version: 4, rowsBefore: 20 } };
    await expect(jobs.store.submit("alpha", other)).rejects.toMatchObject({ code: "job_key_reused" });
    await endTraining(0);
    await finished(jobs, id);
  });
});

describe("a job's origin", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const origin = { requestId: "r-7", traceparent: `00-${traceId}-00f067aa0ba902b7-01` };

  it("is on every line of its log, is told with each step, and stays with it", async () => {
    const seen: unknown[] = [];
    const observer: JobObserver = {
      step: (step, job, work) => {
        seen.push([step, job]);
        return work({ phaseStarted: (phase) => seen.push(phase), note: (facts) => seen.push(facts) });
      },
    };
    const jobs = await open({ work: { observer } });
    const { id } = await jobs.store.submit("alpha", { ...submission(), origin });
    const { request } = await training(0);
    request.onProgress?.({ phase: "embed", progress: 0, step: 0, steps: 1 });
    await endTraining(0);
    expect((await finished(jobs, id))?.origin).toEqual(origin);
    await vi.waitUntil(() => lines.length === 2);
    const job = { id, tenant: "alpha", origin };
    expect(seen).toEqual([
      ...[["train", job], "embed"],
      ...[["publish", job], { version: 1, adapter_digest: DIGEST }],
    ]);
    expect(lines.map(({ event }) => event)).toEqual(["job_started", "job_succeeded"]);
    for (const line of lines) {
      expect(line).toMatchObject({ jobId: id, tenant: "alpha", requestId: "r-7", traceId });
    }
  });
});

describe("a job", () => {
  it("whose alias is held back succeeds, and says why", async () => {
    const publish = registry.publish.bind(registry);
    const heldBack = "Alias production of router is protected.";
    registry.publish = async (tenant, request) => ({ ...(await publish(tenant, request)), heldBack });
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    await endTraining(0);
    expect(await finished(jobs, id)).toMatchObject({ state: "succeeded", adapter: { version: 1, heldBack } });
  });

  it("is signed where the server has a key, in the name of who submitted it", async () => {
    const signer = createSigner(createSigningKey().privatePem);
    const jobs = await open({ work: { signer } });
    const submittedBy = { id: "key_1", requestId: "request-1" };
    const { id } = await jobs.store.submit("alpha", { ...submission(), submittedBy });
    await endTraining(0);
    await finished(jobs, id);
    expect(registry.published).toMatchObject([{ signer, actor: submittedBy }]);
  });

  const own = { accuracy: 0.9, macroF1: 0.8, rows: 8, precision: "int8" } as const;
  it.each([
    ["and so is the version it is compared with, where that was not", false, { own, current: own }],
    ["alone, where the other was", true, { own }],
  ])("whose alias is held to a test set is evaluated on it, %s", async (_, isEvaluated, testFigures) => {
    registry.testSet = { datasetId: "ds_1", version: 3, isEvaluated };
    const submittedBy = { id: "key_1" };
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", { ...submission(), submittedBy });
    const { request } = await training(0);
    expect(request.testSet?.file).toMatchObject({ fileName: "tickets.csv" });
    expect(request.testSet?.current).toBe(isEvaluated ? undefined : current);
    await endTraining(0, { ...trained, testFigures });
    await finished(jobs, id);
    const evaluation = { ...own, datasetId: "ds_1", softgate: "1.2.3" };
    expect(registry.published).toMatchObject([{ evaluations: [evaluation] }]);
    expect(registry.recorded).toEqual(isEvaluated ? [] : [{ ...evaluation, version: 3, actor: submittedBy }]);
  });

  it("is published once, under its id, from the very file and options that were submitted", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    const { request } = await training(0);
    expect(request).toMatchObject({
      ...{ backboneFolder: "/backbones/tiny", backboneId: "tiny", options: { seed: 7 } },
      dataset: { fileName: "tickets.csv", mediaType: "text/csv", columns: { text: "text", label: "label" } },
    });
    const { read } = await openContent(request.dataset.content);
    expect((await read(0, 2)).toString()).toBe("A");
    await endTraining(0);
    // It was there for the training, and takes no room after it.
    await vi.waitFor(() => expect(request.dataset.content).toMatchObject({ fd: -1 }));
    expect(await finished(jobs, id)).toMatchObject({
      ...{ state: "succeeded", progress: 1, attempt: 1, report },
      adapter: { name: "router", version: 1, digest: DIGEST },
    });
    expect(registry.published).toEqual([
      {
        ...{ name: "router", files: trained.files, alias: "production", idempotencyKey: id },
        manifest: {
          createdBy: { jobId: id, softgate: "1.2.3" },
          backbone: { id: "tiny", digest: DIGEST, width: 2 },
          ...{ encoders: trained.encoders, labels: ["no", "yes"], insertions: [], temperature: 1 },
          outOfScope: { score: "max_logit", below: 0.5 },
          dataset: { id: "ds", digest: DIGEST, rows: 8 },
          report,
        },
      },
    ]);
  });

  it("tells its progress and its gates, which goes neither back nor past the end", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    const { request } = await training(0);
    for (const [phase, progress] of [
      ["embed", 0.5],
      ["search", 0.2],
      ["validate", Number.NaN],
      ["head", 7],
    ] as const) {
      request.onProgress?.({ phase, progress, step: 1, steps: 2, gates: [0.5] });
      await vi.waitUntil(async () => (await jobs.store.get("alpha", id))?.phase === phase);
    }
    await endTraining(0);
    const told: unknown[] = [];
    for await (const { data } of (await jobs.store.events("alpha", id)) ?? []) {
      if (data.type === "progress") told.push([data.phase, data.progress, data.gates]);
    }
    expect(told).toEqual([
      ...[
        ["embed", 0.5, [0.5]],
        ["search", 0.5, [0.5]],
        ["validate", 0.5, [0.5]],
        ["head", 1, [0.5]],
      ],
      ["publish", 1, undefined],
    ]);
  });
});

describe("a job that fails", () => {
  it("says what the rooms' errors say to the caller, and the log has nothing that the file says", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    const message = 'Row 3: "a private text" has two labels.';
    await endTraining(0, new TrainerError("invalid_dataset", message, { cause: "secret" }));
    const error = { code: "invalid_dataset", message };
    expect(await finished(jobs, id)).toMatchObject({ state: "failed", error });
    await vi.waitUntil(() => lines.length === 2);
    expect(lines).toContainEqual(expect.objectContaining({ event: "job_failed", code: "invalid_dataset" }));
    expect(JSON.stringify(lines)).not.toContain("private");
  });

  it("by what nobody foresaw says nothing of it, the log all of it; and it is begun again later", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    const cause = new Error("Segmentation fault");
    await endTraining(0, Object.assign(new Error("/home/secret", { cause }), { code: "ENOENT" }));
    await vi.waitUntil(() => lines.length === 2);
    const job = await jobs.store.get("alpha", id);
    expect(job).toMatchObject({ state: "queued", attempt: 1, error: { code: "training_failed" } });
    expect(JSON.stringify(job)).not.toContain("secret");
    for (const part of ["secret", "Segmentation fault"]) {
      expect(lines).toContainEqual(
        expect.objectContaining({ event: "job_retried", jobId: id, error: expect.stringContaining(part) }),
      );
    }
  });

  it("does not hold up the next one", async () => {
    const jobs = await open();
    await jobs.store.submit("alpha", submission());
    const { id } = await jobs.store.submit("alpha", submission());
    await endTraining(0, new Error("broken"));
    await endTraining(1);
    expect(await finished(jobs, id)).toMatchObject({ state: "succeeded" });
  });

  it("is not published when the backbone on disk is no longer the server's", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    await endTraining(0, { ...trained, backbone: { id: "tiny", digest: `sha256:${"b".repeat(64)}` } });
    const error = { code: "backbone_mismatch" };
    expect(await finished(jobs, id)).toMatchObject({ state: "failed", error });
    expect(registry.published).toEqual([]);
  });

  it("because it took too long says so, and is not begun again", async () => {
    const jobs = await open({ trainMsMax: 1 });
    const { id } = await jobs.store.submit("alpha", submission());
    expect(await finished(jobs, id)).toMatchObject({
      ...{ state: "failed", attempt: 1 },
      error: {
        code: "training_failed",
        message: expect.stringMatching(/longer than .* minutes .*--training-minutes-max/),
      },
    });
  });
});

describe("a running job that is cancelled", () => {
  it("has its training ended at once, and publishes nothing", async () => {
    const jobs = await open();
    const { id } = await jobs.store.submit("alpha", submission());
    const { request, promise } = await training(0);
    await jobs.store.cancel("alpha", id);
    await expect(promise).rejects.toThrow();
    expect(request.signal?.aborted).toBe(true);
    expect(await jobs.store.get("alpha", id)).toMatchObject({ state: "cancelled" });
    expect(registry.published).toEqual([]);
  });

  it("is not published either when its training was done at that moment", async () => {
    const jobs = await open({ work: { train: async () => trained } });
    const openDataset = registry.openDataset.bind(registry);
    registry.openDataset = async (tenant, id) => {
      const { jobs: running } = (await jobs.store.list("alpha", { limit: 1 })) ?? {};
      await jobs.store.cancel("alpha", running?.[0]?.id ?? "");
      return openDataset(tenant, id);
    };
    const { id } = await jobs.store.submit("alpha", submission());
    await vi.waitUntil(() => lines.some(({ event }) => event === "job_ended"));
    expect(await finished(jobs, id)).toMatchObject({ state: "cancelled" });
    expect(registry.published).toEqual([]);
  });
});

describe("trainers", () => {
  it("train as many jobs at once as there are of them", async () => {
    const jobs = await open({ count: 2 });
    const submitted = [];
    for (const name of ["a", "b", "c"]) submitted.push(await jobs.store.submit("alpha", submission(name)));
    await training(1);
    expect(await jobs.store.get("alpha", submitted[2]?.id ?? "")).toMatchObject({ state: "queued" });
    await endTraining(0);
    await training(2);
  });

  it("that end give their jobs back, and what waits goes on waiting", async () => {
    const jobs = await open();
    const running = await jobs.store.submit("alpha", submission());
    const waiting = await jobs.store.submit("beta", submission());
    const { request } = await training(0);
    await jobs.close();
    expect(request.signal?.aborted).toBe(true);
    expect(trainings).toHaveLength(1);
    const again = await open({ schema: jobs.schema, count: 0 });
    expect(await again.store.get("alpha", running.id)).toMatchObject({ state: "queued" });
    expect(await again.store.get("beta", waiting.id)).toMatchObject({ state: "queued", attempt: 0 });
    expect(lines).toContainEqual(expect.objectContaining({ event: "job_given_back", jobId: running.id }));
  });
});
