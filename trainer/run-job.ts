// One job's work: read the dataset, train on it, publish the adapter under the job's name.
import { ModelError } from "#model";
import type { AdapterName, PublishRequest, Registry, TenantId } from "#registry";
import type { Job, TrainingReport } from "./job.ts";
import type { ChildTrainRequest, ChildTrainResult } from "./train-in-child.ts";

export interface RunJobOptions {
  readonly registry: Pick<Registry, "getDataset" | "publish">;
  /** trainInChild, or a fake. Rejects soon after its signal is aborted. */
  readonly train: (request: ChildTrainRequest) => Promise<ChildTrainResult>;
  readonly backbone: { readonly id: string; readonly folder: string; readonly digest: string };
  /** Recorded in every manifest. */
  readonly softgateVersion: string;
}

export interface RunJobRequest {
  readonly tenant: TenantId;
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { phase: string; progress: number }) => void;
}

const ALIAS = "production";

/** The job's id makes publishing idempotent: run twice, a job leaves one version. */
export async function runJob(
  { tenant, job, signal, onProgress }: RunJobRequest,
  { registry, train, backbone, softgateVersion }: RunJobOptions,
): Promise<{ adapter: NonNullable<Job["adapter"]>; report: TrainingReport }> {
  const dataset = await registry.getDataset(tenant, job.datasetId);
  const { fileName, mediaType } = dataset;
  const result = await train({
    backboneFolder: backbone.folder,
    backboneId: backbone.id,
    dataset: { bytes: dataset.content, fileName, mediaType },
    options: job.options,
    onProgress,
    signal,
  });
  signal.throwIfAborted();
  requireSameBackbone(result.backbone, backbone);
  onProgress({ phase: "publish", progress: 1 });
  const { name, version, digest } = await registry.publish(tenant, {
    // The route parsed it, and the store gave it back as a string.
    name: job.adapterName as AdapterName,
    files: result.files,
    manifest: manifestOf(result, { jobId: job.id, softgateVersion, dataset }),
    alias: ALIAS,
    idempotencyKey: job.id,
  });
  return { adapter: { name, version, digest }, report: result.report };
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
  origin: { jobId: string; softgateVersion: string; dataset: { digest: string; rows: number } },
): PublishRequest["manifest"] {
  const { digest, rows } = origin.dataset;
  return {
    createdBy: { jobId: origin.jobId, softgate: origin.softgateVersion },
    backbone: { ...result.backbone, width: result.width },
    labels: [...result.labels],
    insertions: [...result.insertions],
    temperature: result.temperature,
    ...(result.outOfScope ? { outOfScope: result.outOfScope } : {}),
    dataset: { digest, rows },
    report: { ...result.report },
  };
}
