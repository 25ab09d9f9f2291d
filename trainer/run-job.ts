// One job's work: read the dataset, train on it, publish the adapter under the job's name. The last two are
// for callers without a queue too.
import { ModelError } from "#model";
import type {
  Actor,
  AdapterName,
  PublishedAdapter,
  PublishRequest,
  Registry,
  Signer,
  TenantId,
} from "#registry";
import { spoolContent } from "./dataset/spool-content.ts";
import type { Job, TrainingProgress, TrainingReport } from "./job.ts";
import { type JobObserver, NO_JOB_OBSERVER } from "./job-observer.ts";
import {
  readTestSet,
  recordFigures,
  type TestSet,
  type TestSetOwner,
  type TestSetRegistry,
} from "./job-test-set.ts";
import type { DeviceReport } from "./report.ts";
import type { ChildTrainRequest, ChildTrainResult, DatasetFile } from "./train-in-child.ts";

export { chooseDevice } from "./device/choose-device.ts";
export { readTestSet } from "./job-test-set.ts";

export interface RunJobOptions extends TrainWith, PublishWith {
  readonly registry: Pick<Registry, "publish"> & TestSetRegistry;
  readonly observer?: JobObserver;
}

export interface TrainWith {
  /** trainInChild, or a fake. Rejects soon after its signal is aborted. */
  readonly train: (request: ChildTrainRequest) => Promise<ChildTrainResult>;
  readonly backbone: { readonly id: string; readonly folder: string; readonly digest: string };
  /** Of all trainings. Default: the CPU. */
  readonly device?: DeviceReport;
}

export interface PublishWith {
  readonly registry: Pick<Registry, "publish" | "recordEvaluation">;
  /** Recorded in every manifest. */
  readonly softgateVersion: string;
  /** Signs every version. */
  readonly signer?: Signer;
}

export interface RunJobRequest {
  readonly tenant: TenantId;
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
  /** Before anything is published; rejects when nothing may be any more. */
  readonly beginPublishing: () => Promise<void>;
}

type JobProgress = Pick<TrainingProgress, "progress"> & { readonly phase: string } & Partial<
    Pick<TrainingProgress, "step" | "steps" | "loss" | "gates">
  >;

/** Moved to what a training publishes, unless it is held back. */
export const TRAINED_ALIAS = "production";
/** The same, of a retraining on feedback. */
export const RETRAINED_ALIAS = "candidate";

/** The job's id makes publishing idempotent: run twice, a job leaves one version. */
export async function runJob(
  { tenant, job, signal, onProgress, beginPublishing }: RunJobRequest,
  options: RunJobOptions,
): Promise<{ adapter: NonNullable<Job["adapter"]>; report: TrainingReport }> {
  const { observer = NO_JOB_OBSERVER } = options;
  const observed = { id: job.id, tenant, ...(job.origin && { origin: job.origin }) };
  // The route parsed the name, and the store gave it back as a string.
  const name = job.adapterName as AdapterName;
  // A retraining is held to what production is: it is to take its place.
  const owner = { tenant, name, alias: TRAINED_ALIAS };
  const { testSet, dataset, result } = await withFiles(options, { owner, job, signal }, ({ file, testSet }) =>
    observer.step("train", observed, ({ phaseStarted }) => {
      const follow = (told: TrainingProgress) => {
        phaseStarted(told.phase);
        onProgress(told);
      };
      const { options: trainOptions, retraining } = job;
      const request = {
        ...{ dataset: file, options: trainOptions },
        ...(testSet && { testSet }),
        ...(retraining && { retraining }),
      };
      return trainOn({ ...request, onProgress: follow, signal }, options);
    }),
  );
  onProgress({ phase: "publish", progress: 1 });
  await beginPublishing();
  const { version, digest, heldBack } = await observer.step("publish", observed, async ({ note }) => {
    const alias = job.retraining ? RETRAINED_ALIAS : TRAINED_ALIAS;
    const origin = { tenant, name, alias, jobId: job.id, dataset, testSet, actor: job.submittedBy };
    const published = await publishTrained(result, origin, options);
    note({ version: published.version, adapter_digest: published.digest });
    return published;
  });
  const adapter = { name, version, digest, ...(heldBack !== undefined && { heldBack }) };
  return { adapter, report: result.report };
}

/** Dataset and test set are files on this machine's disk for as long as they are trained on. */
async function withFiles<Result>(
  { registry, backbone }: RunJobOptions,
  { owner, job, signal }: { owner: TestSetOwner; job: Job; signal: AbortSignal },
  work: (files: { file: DatasetFile; testSet: TestSet | undefined }) => Promise<Result>,
) {
  const testSet = await readTestSet(registry, owner, backbone);
  try {
    const { parts, ...dataset } = await registry.openDataset(owner.tenant, job.datasetId);
    const { fileName, mediaType, columns } = dataset;
    const content = await spoolContent(parts, signal);
    try {
      const result = await work({ file: { content, fileName, mediaType, columns }, testSet });
      return { dataset, testSet, result };
    } finally {
      await content.close();
    }
  } finally {
    await testSet?.file.content.close();
  }
}

/** Nothing is kept of it yet. Rejects with the signal's reason once that is aborted. */
export async function trainOn(
  request: Omit<ChildTrainRequest, "backboneFolder" | "backboneId" | "device"> & {
    readonly signal: AbortSignal;
  },
  { train, backbone, device }: TrainWith,
): Promise<ChildTrainResult> {
  const of = { backboneFolder: backbone.folder, backboneId: backbone.id, ...(device && { device }) };
  const result = await train({ ...request, ...of });
  request.signal.throwIfAborted();
  requireSameBackbone(result.backbone, backbone);
  return result;
}

/** The same job id again leaves one version. */
export async function publishTrained(
  result: ChildTrainResult,
  origin: {
    tenant: TenantId;
    name: AdapterName;
    /** Default TRAINED_ALIAS. */
    alias?: string;
    jobId: string;
    dataset: { id: string; digest: string; rows: number };
    /** That the training was given. */
    testSet: Pick<TestSet, "datasetId" | "version"> | undefined;
    actor: Actor | undefined;
  },
  { registry, softgateVersion, signer }: PublishWith,
): Promise<PublishedAdapter> {
  const { tenant, name, alias = TRAINED_ALIAS, jobId, dataset, testSet, actor } = origin;
  const figures = result.testFigures;
  const told = { testSet, figures, softgate: softgateVersion, actor };
  const evaluations = await recordFigures(registry, origin, told);
  return registry.publish(tenant, {
    name,
    ...(evaluations.length > 0 && { evaluations }),
    files: result.files,
    manifest: manifestOf(result, { jobId, softgateVersion, dataset }),
    alias,
    idempotencyKey: jobId,
    ...(signer && { signer }),
    ...(actor && { actor }),
  });
}

/** The folder may have been changed since the server read it. */
function requireSameBackbone(trainedOn: { digest: string }, held: { id: string; digest: string }): void {
  if (trainedOn.digest === held.digest) return;
  throw new ModelError(
    "backbone_mismatch",
    `Backbone ${held.id} changed on disk while the server ran; restart the server and submit the job again.`,
  );
}

function manifestOf(
  result: ChildTrainResult,
  origin: { jobId: string; softgateVersion: string; dataset: { id: string; digest: string; rows: number } },
): PublishRequest["manifest"] {
  const { id, digest, rows } = origin.dataset;
  return {
    createdBy: { jobId: origin.jobId, softgate: origin.softgateVersion },
    backbone: { ...result.backbone, width: result.width },
    encoders: result.encoders,
    labels: [...result.labels],
    insertions: [...result.insertions],
    temperature: result.temperature,
    ...(result.outOfScope ? { outOfScope: result.outOfScope } : {}),
    dataset: { id, digest, rows },
    report: { ...result.report },
  };
}
