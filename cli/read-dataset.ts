// A dataset from a file on disk: bytes, media type by extension, and its examples.
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Registry, TenantId } from "#registry";
import {
  DATASET_BYTES_MAX,
  type Dataset,
  type DatasetColumns,
  type DatasetMediaType,
  mediaTypeOfFile,
  parseDataset,
} from "#trainer/dataset";
import { TrainerError } from "#trainer/job";
import { CliError } from "./errors.ts";
import type { Io } from "./io.ts";
import type { ColumnOptions } from "./options.ts";

export interface DatasetFile {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  readonly dataset: Dataset;
}

export interface ReadDatasetOptions extends ColumnOptions {
  readonly forTraining: boolean;
}

/** Throws CliError file_unreadable or TrainerError invalid_dataset, dataset_too_large, unsupported_media_type. */
export async function readDataset(path: string, options: ReadDatasetOptions): Promise<DatasetFile> {
  const fileName = basename(path);
  const mediaType = mediaTypeOfFile(fileName);
  if (!mediaType) {
    throw new TrainerError(
      "unsupported_media_type",
      `${path}: name the file .csv, .tsv, .ndjson, .jsonl or .parquet.`,
    );
  }
  const bytes = await readBytes(path);
  const { forTraining } = options;
  const columns = columnsOf(options);
  const dataset = await parseDataset(bytes, { fileName, mediaType, columns, forTraining });
  return { bytes, fileName, mediaType, dataset };
}

/** A dataset that a store keeps, read as a test file. Throws as Registry's getDataset and parseDataset do. */
export async function readStoredDataset(
  registry: Pick<Registry, "getDataset">,
  tenant: TenantId,
  id: string,
): Promise<DatasetFile> {
  const { content: bytes, fileName, mediaType, columns } = await registry.getDataset(tenant, id);
  const dataset = await parseDataset(bytes, { fileName, mediaType, columns, forTraining: false });
  return { bytes, fileName, mediaType, dataset };
}

function columnsOf({ textColumn, textPairColumn, labelColumn }: ColumnOptions): DatasetColumns {
  return {
    ...(textColumn !== undefined && { text: textColumn }),
    ...(textPairColumn !== undefined && { textPair: textPairColumn }),
    ...(labelColumn !== undefined && { label: labelColumn }),
  };
}

export function printWarnings({ fileName, dataset }: DatasetFile, io: Io): void {
  for (const { message } of dataset.warnings) io.stderr(`warning: ${fileName}: ${message}\n`);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= DATASET_BYTES_MAX) return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${path} cannot be read (${reason}).`, cause);
  }
  const mebibytes = DATASET_BYTES_MAX / (1024 * 1024);
  throw new TrainerError("dataset_too_large", `${path} is larger than ${mebibytes} MiB, the limit.`, {
    at: { file: basename(path) },
  });
}
