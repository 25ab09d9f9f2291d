// Labelled texts from a file on disk.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Dataset, type DatasetMediaType, mediaTypeOfFile, parseDataset } from "#trainer/dataset";
import { BenchError } from "./errors.ts";

export interface DatasetFile {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  readonly dataset: Dataset;
}

export interface ReadDatasetOptions {
  readonly forTraining: boolean;
  /** Said after the path when there is no such file: what is expected there, what to do. */
  readonly remedy: string;
}

/** Throws BenchError missing_files or TrainerError invalid_dataset, dataset_too_large. */
export async function readDataset(path: string, options: ReadDatasetOptions): Promise<DatasetFile> {
  const bytes = await readBytes(path, options.remedy);
  const fileName = basename(path);
  const mediaType = mediaTypeOfFile(fileName) ?? "text/csv";
  const { forTraining } = options;
  return {
    bytes,
    fileName,
    mediaType,
    dataset: await parseDataset(bytes, { fileName: path, mediaType, forTraining }),
  };
}

export async function readBytes(path: string, remedy: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError("missing_files", `${path} cannot be read (${reason}). ${remedy}`, cause);
  }
}
