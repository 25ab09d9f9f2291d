// The third step, train: dataset in, adapter and report out. Runs in the caller's process; see
// train-in-child.ts for the way servers and the command line call it.
import type { Adapter, Backbone } from "#model";
import type { Dataset } from "./dataset/dataset.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingProgress, TrainingReport } from "./report.ts";

export interface TrainRequest {
  readonly backbone: Backbone;
  readonly dataset: Dataset;
  readonly options: TrainOptions;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly adapter: Adapter;
  readonly report: TrainingReport;
}

export declare function train(request: TrainRequest): Promise<TrainResult>;
