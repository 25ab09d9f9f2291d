// Accuracy of each task, split and method, through the classifier that serves; of peers, in Python. Cells
// that were finished before are taken as they are.
import { type Adapter, type Backbone, layersOf } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import { FrozenEncoder, train } from "#trainer";
import type { Dataset } from "#trainer/dataset";
import type { DeviceReport } from "#trainer/job";
import { evaluateAdapter } from "../evaluate-adapter.ts";
import type { BenchIo } from "../io.ts";
import { percent } from "../text-table.ts";
import { createTrainingProgress } from "../training-progress.ts";
import {
  type Cell,
  type CellKey,
  isCell,
  isPeer,
  isTuned,
  type Method,
  type OwnMethod,
  type Peer,
} from "./cell.ts";
import { trainFrozenProbe } from "./frozen-probe.ts";
import { labelWordsOf } from "./label-words.ts";
import { requestOf } from "./own-methods.ts";
import { type PeerProcess, type PeerProcessOptions, startPeers } from "./peer-process.ts";
import { readTask, type TaskFiles } from "./read-task.ts";
import { TimeLeft } from "./time-left.ts";

export interface MeasureAccuracyRequest {
  readonly backbone: Backbone;
  /** Peers read the backbone from here. */
  readonly backboneFolder: string;
  readonly tasks: readonly TaskFiles[];
  readonly methods: readonly Method[];
  readonly testRowsMax: number;
  readonly threads: number;
  /** Of own methods that train insertions. */
  readonly device: DeviceReport;
  readonly peers: PeerProcessOptions;
  /** Other work runs beside: seconds would say nothing, and none are kept. */
  readonly isUntimed: boolean;
  readonly finished: readonly Cell[];
  /** Called with each new cell as soon as it is finished. */
  readonly onCell: (cell: Cell) => Promise<void>;
}

/** In the order of tasks, methods within; found cells included. */
export async function measureAccuracy(request: MeasureAccuracyRequest, io: BenchIo): Promise<Cell[]> {
  const { backbone, tasks, threads } = request;
  const encoder = await FrozenEncoder.create(backbone, { threads });
  const classifier = await createClassifier(backbone, { threads, precision: "fp32" });
  let peers: Promise<PeerProcess> | undefined;
  const tools: Tools = {
    ...{ request, encoder, classifier, io, timeLeft: new TimeLeft(methodsLeft(request)) },
    // With the first cell of a peer that is not found finished.
    peers: () => {
      peers ??= startPeers(request.peers, io);
      return peers;
    },
  };
  try {
    const cells: Cell[] = [];
    for (const task of tasks) cells.push(...(await measureTask(tools, task)));
    return cells;
  } finally {
    await encoder.close();
    await classifier.close();
    await (await peers)?.close();
  }
}

interface Tools {
  readonly request: MeasureAccuracyRequest;
  readonly encoder: FrozenEncoder;
  readonly classifier: Classifier;
  readonly peers: () => Promise<PeerProcess>;
  readonly timeLeft: TimeLeft;
  readonly io: BenchIo;
}

/** Of each cell that is to be measured. */
function methodsLeft({ tasks, methods, backbone, finished }: MeasureAccuracyRequest): Method[] {
  return tasks.flatMap(({ task, seed }) =>
    methods.filter(
      (method) =>
        !finished.some((cell) => isCell(cell, { ...cell, task, seed, method, backbone: backbone.digest })),
    ),
  );
}

async function measureTask(tools: Tools, files: TaskFiles): Promise<Cell[]> {
  const { request, timeLeft, io } = tools;
  const { task, seed } = files;
  const datasets = await readTask(files, request.testRowsMax);
  const cells: Cell[] = [];
  for (const method of request.methods) {
    const key = { task, seed, method, n: datasets.test.examples.length, backbone: request.backbone.digest };
    const found = request.finished.find((cell) => isCell(cell, key));
    const startedMs = performance.now();
    const cell = found ?? (await measureNewCell(tools, { key, files, ...datasets }));
    if (!found) {
      await request.onCell(cell);
      timeLeft.finish(method, (performance.now() - startedMs) / 1000);
    }
    const note = found ? "found finished" : timeLeft.describe();
    io.stderr(`${task} ${seed} ${method}: ${percent(cell.accuracy)} (${note})\n`);
    cells.push(cell);
  }
  return cells;
}

interface CellRequest {
  readonly key: CellKey;
  readonly files: TaskFiles;
  readonly train: Dataset;
  readonly test: Dataset;
}

async function measureNewCell(tools: Tools, request: CellRequest): Promise<Cell> {
  const cell = await measureCell(tools, request);
  return tools.request.isUntimed ? { ...cell, seconds: null } : cell;
}

async function measureCell(tools: Tools, request: CellRequest): Promise<Cell> {
  const { method } = request.key;
  return isPeer(method) ? measurePeer(tools, request, method) : measureOwn(tools, request, method);
}

async function measurePeer(
  { request, peers, io }: Tools,
  { key, files }: CellRequest,
  method: Peer,
): Promise<Cell> {
  const { backbone, backboneFolder, testRowsMax } = request;
  const words = labelWordsOf(key.task, backbone);
  const { measure } = await peers();
  io.stderr(`${files.task} ${files.seed} ${method}\n`);
  const result = await measure({ method, backboneFolder, files, words, testRowsMax });
  if (result.n !== key.n) throw new Error(`invariant: the peer's ${result.n} test rows are ${key.n}`);
  return { ...key, ...result, promptLayers: [], scaleShiftLayers: [] };
}

async function measureOwn(
  tools: Tools,
  { key, files, train: dataset, test }: CellRequest,
  method: OwnMethod,
): Promise<Cell> {
  const startedMs = performance.now();
  const adapter = await trainMethod(tools, { ...key, method }, dataset);
  const seconds = (performance.now() - startedMs) / 1000;
  const named = { key: `${key.task}/${key.seed}/${key.method}`, adapter };
  const { accuracy, macroF1 } = await evaluateAdapter(tools.classifier, named, {
    dataset: test,
    file: files.test,
  });
  return {
    ...key,
    ...{ accuracy, macroF1, seconds },
    ...(isTuned(method) && tools.request.device.used !== "cpu" && { device: tools.request.device.used }),
    promptLayers: layersOf(adapter.insertions, "prompt_generator"),
    scaleShiftLayers: layersOf(adapter.insertions, "scale_shift"),
    lowRankLayers: layersOf(adapter.insertions, "low_rank"),
  };
}

async function trainMethod(
  { request, encoder, io }: Tools,
  { task, seed, method }: CellKey & { readonly method: OwnMethod },
  dataset: Dataset,
): Promise<Adapter> {
  const { backbone, threads, device } = request;
  const words = labelWordsOf(task, backbone);
  if (method === "logistic_regression") return trainFrozenProbe(encoder, dataset, words?.template);
  const onProgress = createTrainingProgress(io, `${task} ${seed} ${method}`);
  const asked = requestOf(method, { layers: backbone.config.layers, seed });
  const options = { ...asked.options, ...words };
  const { adapter } = await train({
    ...{ backbone, dataset, threads, device, onProgress },
    ...asked,
    options,
  });
  return adapter;
}
