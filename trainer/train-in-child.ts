// Runs train() in a child process, so that a training never blocks a server's event loop and can be
// killed. The child reads the backbone from its folder, and datasets from bytes or from files that are open here.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  type AdapterFiles,
  type InsertionConfig,
  ModelError,
  type ModelErrorCode,
  type OutOfScope,
} from "#model";
import type { DatasetContent } from "./dataset/content.ts";
import type { DatasetColumns } from "./dataset/dataset.ts";
import type { DatasetMediaType } from "./dataset/parse.ts";
import { TrainerError, type TrainerErrorCode } from "./errors.ts";
import type { TestFigures } from "./evaluate-adapters.ts";
import type { Retraining } from "./job.ts";
import type { TrainOptions } from "./options.ts";
import type { DeviceReport, TrainingProgress, TrainingReport } from "./report.ts";

export interface DatasetFile {
  /** A file stays open, and as it is, until the training has ended. */
  readonly content: DatasetContent;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  /** Default: found by their usual names. */
  readonly columns?: DatasetColumns;
}

export interface ChildTrainRequest {
  /** Folder with config.json, model.safetensors, tokenizer.json. */
  readonly backboneFolder: string;
  readonly backboneId: string;
  readonly dataset: DatasetFile;
  /** The rows that decide between candidates; see TrainRequest. */
  readonly validation?: DatasetFile;
  /** Rows that decide nothing: the adapter is evaluated on them when it is done, and so is another. */
  readonly testSet?: { readonly file: DatasetFile; readonly current?: AdapterFiles };
  /** Then the report compares with what the rows before the feedback give. */
  readonly retraining?: Retraining;
  readonly options: TrainOptions;
  /** What chooseDevice gave. Default: the CPU. */
  readonly device?: DeviceReport;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Aborting kills the child; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ChildTrainResult {
  readonly files: AdapterFiles;
  readonly labels: readonly string[];
  readonly insertions: readonly InsertionConfig[];
  readonly width: number;
  readonly temperature: number;
  readonly outOfScope?: OutOfScope;
  readonly backbone: { id: string; digest: string };
  /** Of the backbone's int8 encoder. */
  readonly encoders: { int8: string };
  readonly report: TrainingReport;
  /** On the test set; absent where there is none, or an adapter cannot answer its texts. */
  readonly testFigures?: { readonly own?: TestFigures; readonly current?: TestFigures };
}

/** What the parent sends, once. Open files are in the child by their numbers in it. */
export type ChildRequestMessage = Omit<ChildTrainRequest, "onProgress" | "signal">;

/** What the child sends: progress, then one result or error. */
export type ChildMessage =
  | { readonly type: "progress"; readonly progress: TrainingProgress }
  | { readonly type: "result"; readonly result: ChildTrainResult }
  | { readonly type: "error"; readonly error: ChildError };

export type ChildError =
  | {
      readonly room: "trainer";
      readonly code: TrainerErrorCode;
      readonly message: string;
      readonly at?: TrainerError["at"];
    }
  | { readonly room: "model"; readonly code: ModelErrorCode; readonly message: string }
  | { readonly room: "unknown"; readonly message: string };

/** Last characters of the child's error output that are kept for the log. */
const STDERR_CHARACTERS_MAX = 4_000;

/** Rejects with TrainerError (training_failed, invalid_dataset) or ModelError (invalid_backbone). */
export async function trainInChild(request: ChildTrainRequest): Promise<ChildTrainResult> {
  const { onProgress, signal, ...asked } = request;
  signal?.throwIfAborted();
  const { message, descriptors } = withChildsFiles(asked);
  const child = fork(fileURLToPath(new URL("./train-child.ts", import.meta.url)), {
    serialization: "advanced",
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: [...STDIO, ...descriptors],
  });
  const kill = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  try {
    return await converse(child, message, onProgress);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", kill);
    kill();
  }
}

const STDIO = ["ignore", "ignore", "pipe", "ipc"] as const;

/** Open files are handed on behind the usual streams, and called by the numbers that they have there. */
function withChildsFiles({ dataset, validation, testSet, ...rest }: ChildRequestMessage): {
  message: ChildRequestMessage;
  descriptors: number[];
} {
  const descriptors: number[] = [];
  const inChild = (file: DatasetFile): DatasetFile => {
    if (file.content instanceof Uint8Array) return file;
    const fd = STDIO.length + descriptors.push(file.content.fd) - 1;
    return { ...file, content: { fd } };
  };
  const message = {
    ...{ ...rest, dataset: inChild(dataset) },
    ...(validation && { validation: inChild(validation) }),
    ...(testSet && { testSet: { ...testSet, file: inChild(testSet.file) } }),
  };
  return { message, descriptors };
}

function converse(
  child: ChildProcess,
  message: ChildRequestMessage,
  onProgress: ChildTrainRequest["onProgress"],
): Promise<ChildTrainResult> {
  return new Promise((resolve, reject) => {
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-STDERR_CHARACTERS_MAX);
    });
    child.on("message", (received: ChildMessage) => {
      if (received.type === "progress") onProgress?.(received.progress);
      else if (received.type === "result") resolve(received.result);
      else reject(toError(received.error));
    });
    child.on("error", (error) => reject(failed("The training process could not be started.", error)));
    child.on("exit", (code, killedBy) => {
      const how = killedBy ? `was ended by ${killedBy}` : `ended with status ${code}`;
      const detail = new Error(stderr || "no error output");
      // What the kernel does to a process when memory runs out.
      const why =
        killedBy === "SIGKILL"
          ? " Most likely the machine ran out of memory: give it more, or train on fewer rows."
          : "";
      reject(failed(`The training process ${how} before it was done.${why} Train again.`, detail));
    });
    child.send(
      message,
      (error) => error && reject(failed("The training process did not take its job.", error)),
    );
  });
}

function toError(error: ChildError): Error {
  switch (error.room) {
    case "trainer":
      return new TrainerError(error.code, error.message, error.at ? { at: error.at } : {});
    case "model":
      return new ModelError(error.code, error.message);
    case "unknown":
      return failed("The training failed.", new Error(error.message));
  }
}

function failed(message: string, cause: unknown): TrainerError {
  return new TrainerError("training_failed", message, { cause });
}
