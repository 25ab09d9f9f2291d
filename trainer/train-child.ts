// The child's side of train-in-child.ts: takes one request by message, trains, answers, ends.
import {
  type AdapterFiles,
  type Backbone,
  int8Digest,
  ModelError,
  parseBackbone,
  serializeAdapter,
  shapeOfInsertion,
} from "#model";
import { EXAMPLES_LEARNED_MAX, EXAMPLES_VALIDATED_MAX } from "./dataset/dataset.ts";
import { parseDataset } from "./dataset/parse.ts";
import { readSample } from "./dataset/sample-examples.ts";
import { TrainerError } from "./errors.ts";
import { evaluateAdapters } from "./evaluate-adapters.ts";
import { readBackboneFolder } from "./read-backbone-folder.ts";
import { train } from "./train.ts";
import type {
  ChildError,
  ChildMessage,
  ChildRequestMessage,
  ChildTrainResult,
  DatasetFile,
} from "./train-in-child.ts";

process.once("message", async (request: ChildRequestMessage) => {
  try {
    send({ type: "result", result: await run(request) });
  } catch (error) {
    send({ type: "error", error: describe(error) });
  }
});
// A parent that is gone has no use for the result.
process.on("disconnect", () => process.exit(1));

async function run(request: ChildRequestMessage): Promise<ChildTrainResult> {
  const { seed } = request.options;
  const dataset = await readSample(request.dataset.content, {
    ...{ ...request.dataset, limit: { most: EXAMPLES_LEARNED_MAX, seed } },
  });
  const backbone = parseBackbone(request.backboneId, await readBackboneFolder(request.backboneFolder));
  const { adapter, report } = await train({
    backbone,
    dataset,
    ...(request.validation ? { validation: await readValidation(request.validation, seed) } : {}),
    ...(request.retraining && { retraining: request.retraining }),
    options: request.options,
    ...(request.device && { device: request.device }),
    onProgress: (progress) => send({ type: "progress", progress }),
  });
  const files = serializeAdapter(adapter, backbone);
  const testFigures = await evaluate(backbone, files, request.testSet);
  return {
    files,
    labels: adapter.labels,
    insertions: adapter.insertions.map(shapeOfInsertion),
    width: adapter.width,
    temperature: adapter.temperature,
    ...(adapter.outOfScope ? { outOfScope: adapter.outOfScope } : {}),
    backbone: { id: backbone.id, digest: backbone.digest },
    encoders: { int8: int8Digest(backbone.weights) },
    report,
    ...(testFigures && { testFigures }),
  };
}

async function evaluate(
  backbone: Backbone,
  own: AdapterFiles,
  testSet: ChildRequestMessage["testSet"],
): Promise<ChildTrainResult["testFigures"]> {
  if (!testSet) return undefined;
  const { file, current } = testSet;
  // TEST_SET_ROWS_MAX bounds it.
  const dataset = await parseDataset(file.content, { ...file, forTraining: false });
  const adapters = current ? [own, current] : [own];
  const [ofOwn, ofCurrent] = await evaluateAdapters(backbone, adapters, dataset);
  return { ...(ofOwn && { own: ofOwn }), ...(ofCurrent && { current: ofCurrent }) };
}

async function readValidation(file: DatasetFile, seed: number) {
  const limit = { most: EXAMPLES_VALIDATED_MAX, seed };
  const dataset = await readSample(file.content, { ...file, limit, forTraining: false });
  return { dataset, fileName: file.fileName };
}

function describe(error: unknown): ChildError {
  if (error instanceof TrainerError) {
    const { code, publicMessage: message, at } = error;
    return { room: "trainer", code, message, ...(at ? { at } : {}) };
  }
  if (error instanceof ModelError) return { room: "model", code: error.code, message: error.publicMessage };
  return {
    room: "unknown",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

function send(message: ChildMessage): void {
  process.send?.(message);
}
