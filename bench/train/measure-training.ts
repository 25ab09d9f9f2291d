// One dataset trained twice, in a child process as servers do and in this one, and the result tried on
// the test file.
import { type Adapter, parseAdapter, serializeAdapter } from "#model";
import { createClassifier } from "#model/runtime";
import { train, trainInChild } from "#trainer";
import type { Evaluation } from "#trainer/evaluate";
import type { DeviceReport, TrainingReport, TrainOptions } from "#trainer/job";
import { evaluateAdapter } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import type { DatasetFile } from "../read-dataset.ts";
import { createTrainingProgress } from "../training-progress.ts";

export interface PhaseResult {
  readonly name: string;
  readonly seconds: number;
  readonly steps: number;
  /** Absent where a phase takes no optimizer steps. */
  readonly stepsPerSecond?: number;
}

export interface TrainingResult {
  /** Wall clock, as the caller waits: for the child its start and reading the backbone too. */
  readonly seconds: number;
  readonly phases: readonly PhaseResult[];
  readonly steps: number;
}

export interface TrainResults {
  readonly child: TrainingResult;
  readonly inProcess: TrainingResult;
  /** Whether both gave the same adapter, byte for byte. */
  readonly identical: boolean;
  readonly target: { readonly seconds: number; readonly met: boolean };
  readonly examples: number;
  readonly labels: number;
  readonly promptLayers: readonly number[];
  readonly scaleShiftLayers: readonly number[];
  readonly lowRankLayers: readonly number[];
  readonly adapterBytes: number;
  readonly test: Pick<Evaluation, "accuracy" | "macroF1" | "n">;
}

export interface MeasureTrainingRequest {
  readonly backbone: OpenedBackbone;
  readonly data: DatasetFile;
  readonly test: DatasetFile;
  readonly options: TrainOptions;
  /** Of the training in this process and the evaluation; the child's choice is its own. */
  readonly threads: number;
  readonly device: DeviceReport;
}

const SECONDS_TARGET = 60;

/** The target is for the child: that is how a user's training runs. */
export async function measureTraining(request: MeasureTrainingRequest, io: BenchIo): Promise<TrainResults> {
  const inChild = await timed(() => runInChild(request, io));
  const inProcess = await timed(() => runInProcess(request, io));
  const { files, report } = inChild.value;
  const own = serializeAdapter(inProcess.value.adapter, request.backbone.backbone);
  io.stderr("Classifying the test file\n");
  const { accuracy, macroF1, n } = await evaluateOnTest(request, parseAdapter(files));
  return {
    child: trainingResult(inChild.seconds, report),
    inProcess: trainingResult(inProcess.seconds, inProcess.value.report),
    identical: isSame(files.weights, own.weights) && isSame(files.config, own.config),
    target: { seconds: SECONDS_TARGET, met: inChild.seconds < SECONDS_TARGET },
    examples: report.examples,
    labels: report.classes,
    promptLayers: report.promptLayers,
    scaleShiftLayers: report.scaleShiftLayers,
    lowRankLayers: report.lowRankLayers,
    adapterBytes: files.weights.byteLength,
    test: { accuracy, macroF1, n },
  };
}

function runInChild({ backbone, data, options, device }: MeasureTrainingRequest, io: BenchIo) {
  return trainInChild({
    backboneFolder: backbone.folder,
    backboneId: backbone.id,
    dataset: { content: data.bytes, fileName: data.fileName, mediaType: data.mediaType },
    ...{ options, device },
    onProgress: createTrainingProgress(io, "Training in a child process"),
  });
}

function runInProcess({ backbone, data, ...rest }: MeasureTrainingRequest, io: BenchIo) {
  const { options, threads, device } = rest;
  const onProgress = createTrainingProgress(io, "Training in this process");
  return train({ backbone: backbone.backbone, dataset: data.dataset, options, threads, device, onProgress });
}

async function evaluateOnTest(request: MeasureTrainingRequest, adapter: Adapter): Promise<Evaluation> {
  const { backbone, test, threads } = request;
  const classifier = await createClassifier(backbone.backbone, { threads, precision: "fp32" });
  try {
    const { dataset, fileName: file } = test;
    return await evaluateAdapter(classifier, { key: "trained", adapter }, { dataset, file });
  } finally {
    await classifier.close();
  }
}

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const startedMs = performance.now();
  const value = await run();
  return { value, seconds: (performance.now() - startedMs) / 1000 };
}

function trainingResult(seconds: number, report: TrainingReport): TrainingResult {
  const phases = report.phases.map(({ name, seconds: phaseSeconds, steps }) => ({
    name,
    seconds: phaseSeconds,
    steps,
    ...(steps > 0 && { stepsPerSecond: steps / phaseSeconds }),
  }));
  return { seconds, phases, steps: phases.reduce((sum, { steps }) => sum + steps, 0) };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
