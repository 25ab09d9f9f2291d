// Runs train() in a child process, so that a training never blocks a server's event loop and can be
// killed. The child reads the backbone from its folder and the dataset from bytes.
import type { AdapterFiles } from "#model";
import type { DatasetMediaType } from "./dataset/parse.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingProgress, TrainingReport } from "./report.ts";

export interface ChildTrainRequest {
  /** Folder with config.json, model.safetensors, tokenizer.json. */
  readonly backboneFolder: string;
  readonly backboneId: string;
  readonly dataset: { bytes: Uint8Array; fileName: string; mediaType: DatasetMediaType };
  readonly options: TrainOptions;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ChildTrainResult {
  readonly files: AdapterFiles;
  readonly labels: readonly string[];
  readonly insertions: readonly {
    kind: "prompt_generator";
    layer: number;
    pooling: "mean" | "slots";
    promptTokens: number;
    bottleneck: number;
  }[];
  readonly width: number;
  readonly temperature: number;
  readonly backbone: { id: string; digest: string };
  readonly report: TrainingReport;
}

/** Rejects with TrainerError (training_failed, invalid_dataset) or ModelError (invalid_backbone). */
export declare function trainInChild(request: ChildTrainRequest): Promise<ChildTrainResult>;
