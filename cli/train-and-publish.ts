// The trainer's one-job run on a store of one's own: the dataset is kept, a child process trains, and
// the adapter becomes the next version of its name. The same steps as a job over HTTP takes.

import {
  parseAdapterName,
  parseTenantId,
  type Registry,
  type ResolvedAdapter,
  type TenantId,
} from "#registry";
import type { Job, TrainingProgress, TrainingReport, TrainOptions } from "#trainer/job";
import { runJob } from "#trainer/run-job";
import packageJson from "../package.json" with { type: "json" };
import type { Io } from "./io.ts";
import { withRegistry } from "./open-registry.ts";
import type { TenantOptions } from "./options.ts";
import { bar, createProgressLine, type ProgressLine } from "./progress-line.ts";
import { findOrPull } from "./pull.ts";
import { type DatasetFile, printWarnings, readDataset } from "./read-dataset.ts";

export interface TrainCommandOptions extends TenantOptions {
  readonly data: string;
  readonly validation?: string;
  readonly test?: string;
  readonly name: string;
  /** A file for the report, .html or .json. */
  readonly report?: string;
  readonly backbone: string;
  readonly seed?: number;
  readonly epochs?: number;
  readonly method?: string;
  readonly pooling?: string;
  readonly promptTokens?: number;
  readonly insertionsMax?: number;
  readonly bottleneck?: number;
  readonly learningRate?: number;
  readonly template?: string;
  readonly labelWords?: Record<string, unknown>;
}

export interface Trained {
  readonly resolved: ResolvedAdapter;
  readonly report: TrainingReport;
}

export async function trainAndPublish(
  command: TrainCommandOptions,
  options: TrainOptions,
  io: Io,
): Promise<Trained> {
  const tenant = parseTenantId(command.tenant);
  const adapterName = parseAdapterName(command.name);
  const silent = command.json === true;
  const file = await readDataset(command.data, { forTraining: true });
  if (!silent) printWarnings(file, io);
  const validation = command.validation === undefined ? undefined : await readValidation(command.validation);
  const backbone = await findOrPull(command.backbone, io, { silent });
  const line = createProgressLine(io, { silent });
  // Loaded late: most commands need no native code, and start faster without.
  const { trainInChild } = await import("#trainer");
  return withRegistry(command.store, async (registry, store) => {
    // Before the training: a store that refuses writes is found in a second, not after minutes.
    await store.check();
    const job = await createJob(registry, tenant, { adapterName, file, options, now: io.now });
    const { adapter, report } = await runJob(
      { tenant, job, signal: io.signal, onProgress: () => undefined },
      {
        registry,
        train: (request) =>
          trainInChild({
            ...request,
            ...(validation ? { validation } : {}),
            onProgress: (progress) => showTraining(line, progress),
          }),
        backbone,
        softgateVersion: packageJson.version,
      },
    ).finally(() => line.clear());
    const { version } = adapter;
    return { resolved: await registry.resolve(tenant, { name: adapterName, version }), report };
  });
}

async function readValidation(path: string) {
  const { bytes, fileName, mediaType } = await readDataset(path, { forTraining: false });
  return { bytes, fileName, mediaType };
}

/** The dataset is kept, as over HTTP; the job itself is not: nobody asks for it later. */
async function createJob(
  registry: Registry,
  tenant: TenantId,
  job: { adapterName: string; file: DatasetFile; options: TrainOptions; now: () => number },
): Promise<Job> {
  const { bytes, fileName, mediaType, dataset } = job.file;
  const { id: datasetId } = await registry.putDataset(tenant, {
    bytes,
    fileName,
    mediaType,
    rows: dataset.examples.length,
    labels: dataset.labels,
  });
  const at = new Date(job.now()).toISOString();
  return {
    id: `local-${crypto.randomUUID()}`,
    adapterName: job.adapterName,
    datasetId,
    options: job.options,
    state: "running",
    progress: 0,
    createdAt: at,
    updatedAt: at,
  };
}

function showTraining(line: ProgressLine, { phase, progress, step, steps, loss }: TrainingProgress): void {
  const lossText = loss === undefined ? "" : `  loss ${loss.toFixed(3)}`;
  line.show(`Training: ${phase}`, `${bar(progress)}  step ${step} of ${steps}${lossText}`);
}
