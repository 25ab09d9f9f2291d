// A training on a store of one's own: a child process trains, then the dataset is kept and the adapter
// becomes the next version of its name. Until then nothing is written, so that a training that is
// interrupted leaves nothing.

import type { DeviceChoice } from "#model";
import {
  type DatasetRecord,
  type PublishedAdapter,
  parseAdapterName,
  parseTenantId,
  type Registry,
  type TenantId,
} from "#registry";
import type { ChildTrainRequest } from "#trainer";
import type { TrainingProgress, TrainingReport, TrainOptions } from "#trainer/job";
import { describeDevice } from "#trainer/report";
import { chooseDevice, publishTrained, readTestSet, TRAINED_ALIAS, trainOn } from "#trainer/run-job";
import packageJson from "../package.json" with { type: "json" };
import type { Io } from "./io.ts";
import { withRegistry } from "./open-registry.ts";
import { CLI_ACTOR, type ColumnOptions, type TenantOptions } from "./options.ts";
import { bar, createProgressLine, type ProgressLine } from "./progress-line.ts";
import { findOrPull } from "./pull.ts";
import { type DatasetFile, printWarnings, readDataset } from "./read-dataset.ts";
import { readSigner } from "./signing-key-file.ts";

export interface TrainCommandOptions extends TenantOptions, ColumnOptions {
  readonly data: string;
  readonly validation?: string;
  readonly test?: string;
  readonly name: string;
  /** A file for the report, .html or .json. */
  readonly report?: string;
  /** The file of a private key. */
  readonly sign?: string;
  readonly device: DeviceChoice;
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
  readonly resolved: PublishedAdapter;
  readonly report: TrainingReport;
}

export async function trainAndPublish(
  command: TrainCommandOptions,
  options: TrainOptions,
  io: Io,
): Promise<Trained> {
  const tenant = parseTenantId(command.tenant);
  const name = parseAdapterName(command.name);
  const silent = command.json === true;
  const signer = await readSigner(command.sign);
  const file = await readTraining(command, io, { silent });
  const validation = await readValidation(command);
  const backbone = await findOrPull(command.backbone, io, { silent });
  const line = createProgressLine(io, { silent });
  // Loaded late: most commands need no native code, and start faster without.
  const { trainInChild } = await import("#trainer");
  return withRegistry(command.store, async (registry, store) => {
    // Before the training: a store that refuses writes is found in a second, not after minutes.
    await store.check();
    await registry.requirePublishable(tenant, name, signer);
    const testSet = await readTestSet(registry, { tenant, name, alias: TRAINED_ALIAS }, backbone);
    const device = await chooseDevice(command.device, { backbone });
    if (command.device === "auto" && !silent) io.stderr(`Device: ${describeDevice(device)}.\n`);
    const onProgress = (progress: TrainingProgress) => showTraining(line, progress);
    const trained = {
      dataset: file.dataset,
      ...(validation && { validation }),
      ...(testSet && { testSet }),
      options,
    };
    const result = await trainOn(
      { ...trained, onProgress, signal: io.signal },
      { train: trainInChild, backbone, device },
    ).finally(() => line.clear());
    const dataset = await keepDataset(registry, tenant, file);
    const resolved = await publishTrained(
      result,
      { tenant, name, jobId: `local-${crypto.randomUUID()}`, dataset, testSet, actor: CLI_ACTOR },
      { registry, softgateVersion: packageJson.version, ...(signer && { signer }) },
    );
    return { resolved, report: result.report };
  });
}

/** What a training and its publication need: not the examples, which are as large again as the file. */
interface TrainingFile {
  readonly dataset: ChildTrainRequest["dataset"] & { readonly columns: DatasetRecord["columns"] };
  readonly rows: number;
  readonly labels: readonly string[];
}

async function readTraining(
  command: TrainCommandOptions,
  io: Io,
  { silent }: { silent: boolean },
): Promise<TrainingFile> {
  const file = await readDataset(command.data, { ...command, forTraining: true });
  if (!silent) printWarnings(file, io);
  const { examples, labels } = file.dataset;
  return { dataset: trainingFile(file), rows: examples.length, labels };
}

async function readValidation(
  command: TrainCommandOptions,
): Promise<ChildTrainRequest["dataset"] | undefined> {
  if (command.validation === undefined) return undefined;
  return trainingFile(await readDataset(command.validation, { ...command, forTraining: false }));
}

/** For the child process, which reads the very columns that were read here. */
function trainingFile({
  bytes,
  fileName,
  mediaType,
  dataset: { columns },
}: DatasetFile): TrainingFile["dataset"] {
  return { bytes, fileName, mediaType, columns };
}

function keepDataset(
  registry: Registry,
  tenant: TenantId,
  { dataset, rows, labels }: TrainingFile,
): Promise<DatasetRecord> {
  return registry.putDataset(tenant, { ...dataset, rows, labels, actor: CLI_ACTOR });
}

function showTraining(line: ProgressLine, { phase, progress, step, steps, loss }: TrainingProgress): void {
  const lossText = loss === undefined ? "" : `  loss ${loss.toFixed(3)}`;
  line.show(`Training: ${phase}`, `${bar(progress)}  step ${step} of ${steps}${lossText}`);
}
