// A training on a store of one's own: a child process trains, then the dataset is kept and the adapter
// becomes the next version of its name. Until then nothing is written, so that a training that is
// interrupted leaves nothing.

import type { DeviceChoice } from "#model";
import { type PublishedAdapter, parseAdapterName, parseTenantId, type Signer } from "#registry";
import type { ChildTrainRequest } from "#trainer";
import type { TrainingProgress, TrainingReport, TrainOptions } from "#trainer/job";
import { describeDevice } from "#trainer/report";
import { chooseDevice, publishTrained, readTestSet, TRAINED_ALIAS, trainOn } from "#trainer/run-job";
import packageJson from "../package.json" with { type: "json" };
import type { Io } from "./io.ts";
import { keepDataset } from "./keep-dataset.ts";
import { withRegistry } from "./open-registry.ts";
import { CLI_ACTOR, type ColumnOptions, type TenantOptions } from "./options.ts";
import { bar, createProgressLine, type ProgressLine } from "./progress-line.ts";
import { findOrPull } from "./pull.ts";
import { type DatasetFile, printWarnings, withDatasetFile } from "./read-dataset.ts";
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
  // A name that cannot be is said before any file is read.
  parseTenantId(command.tenant);
  parseAdapterName(command.name);
  const signer = await readSigner(command.sign);
  return withDatasetFile(command.data, { ...command, forTraining: true }, (file) => {
    const { fileName, summary } = file;
    if (command.json !== true) printWarnings({ fileName, warnings: summary.warnings }, io);
    const train = (validation?: DatasetFile) =>
      trainOnFiles({ file, validation, signer }, command, { options, io });
    if (command.validation === undefined) return train();
    return withDatasetFile(command.validation, { ...command, forTraining: false }, train);
  });
}

interface TrainingFiles {
  readonly file: DatasetFile;
  readonly validation: DatasetFile | undefined;
  readonly signer: Signer | undefined;
}

async function trainOnFiles(
  { file, validation, signer }: TrainingFiles,
  command: TrainCommandOptions,
  { options, io }: { options: TrainOptions; io: Io },
): Promise<Trained> {
  const [tenant, name] = [parseTenantId(command.tenant), parseAdapterName(command.name)];
  const silent = command.json === true;
  const backbone = await findOrPull(command.backbone, io, { silent });
  const line = createProgressLine(io, { silent });
  // Loaded late: most commands need no native code, and start faster without.
  const { trainInChild } = await import("#trainer");
  return withRegistry(command.store, async (registry, store) => {
    // Before the training: a store that refuses writes is found in a second, not after minutes.
    await store.check();
    await registry.requirePublishable(tenant, name, signer);
    const device = await chooseDevice(command.device, { backbone, signal: io.signal });
    if (command.device === "auto" && !silent) io.stderr(`Device: ${describeDevice(device)}.\n`);
    // Last: it opens a file, which is closed when the training has ended.
    const testSet = await readTestSet(registry, { tenant, name, alias: TRAINED_ALIAS }, backbone);
    const onProgress = (progress: TrainingProgress) => showTraining(line, progress);
    const trained = {
      dataset: trainingFile(file),
      ...(validation && { validation: trainingFile(validation) }),
      ...(testSet && { testSet }),
      options,
    };
    const result = await trainOn(
      { ...trained, onProgress, signal: io.signal },
      { train: trainInChild, backbone, device },
    ).finally(() => {
      line.clear();
      return testSet?.file.content.close();
    });
    const dataset = await keepDataset(registry, tenant, { file, actor: CLI_ACTOR });
    const resolved = await publishTrained(
      result,
      { tenant, name, jobId: `local-${crypto.randomUUID()}`, dataset, testSet, actor: CLI_ACTOR },
      { registry, softgateVersion: packageJson.version, ...(signer && { signer }) },
    );
    return { resolved, report: result.report };
  });
}

/** For the child process, which reads the very columns that were read here. */
function trainingFile({ content, fileName, mediaType, summary }: DatasetFile): ChildTrainRequest["dataset"] {
  return { content, fileName, mediaType, columns: summary.columns };
}

function showTraining(line: ProgressLine, { phase, progress, step, steps, loss }: TrainingProgress): void {
  const lossText = loss === undefined ? "" : `  loss ${loss.toFixed(3)}`;
  line.show(`Training: ${phase}`, `${bar(progress)}  step ${step} of ${steps}${lossText}`);
}
