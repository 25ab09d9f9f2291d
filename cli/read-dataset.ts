// A dataset from a file on disk, or one that a store keeps: what it is by its extension, and its examples, or, where its
// texts are not wanted here, what is told of it.
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Registry, TenantId } from "#registry";
import {
  type Dataset,
  type DatasetColumns,
  type DatasetMediaType,
  type DatasetSummary,
  type DatasetWarning,
  inspectDataset,
  mediaTypeOfFile,
  parseDataset,
  spoolContent,
} from "#trainer/dataset";
import { TrainerError } from "#trainer/job";
import { CliError } from "./errors.ts";
import type { Io } from "./io.ts";
import type { ColumnOptions } from "./options.ts";

/** A file that was read in full and held to every rule, and is never whole in memory. */
export interface DatasetFile {
  /** Open until the work with it is done. */
  readonly content: FileHandle;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** As it was named on the command line. */
  readonly path: string;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  readonly summary: DatasetSummary;
}

export interface ReadDatasetOptions extends ColumnOptions {
  readonly forTraining: boolean;
}

/**
 * Throws what the work throws, CliError file_unreadable, and TrainerError invalid_dataset, dataset_too_large,
 * unsupported_media_type.
 */
export async function withDatasetFile<Result>(
  path: string,
  options: ReadDatasetOptions,
  work: (file: DatasetFile) => Promise<Result>,
): Promise<Result> {
  return withFile(path, async (content, named) => {
    const { forTraining } = options;
    const { size: bytes, mtimeMs: modifiedMs } = await content.stat();
    const summary = await inspectDataset(content, { ...named, columns: columnsOf(options), forTraining });
    return work({ ...named, content, bytes, modifiedMs, path, summary });
  });
}

/** Only what was checked is kept. Throws CliError file_unreadable where it is not what was read any more. */
export async function requireUnchanged(file: DatasetFile): Promise<void> {
  const { content, bytes, modifiedMs, path } = file;
  const { size, mtimeMs } = await content.stat();
  if (size === bytes && mtimeMs === modifiedMs) return;
  throw new CliError("file_unreadable", `${path} was changed while it was in use: start again.`);
}

export interface ReadDataset {
  readonly fileName: string;
  readonly dataset: Dataset;
}

/** With all its texts. Throws as withDatasetFile does. */
export function readDataset(path: string, options: ReadDatasetOptions): Promise<ReadDataset> {
  return withFile(path, async (content, named) => {
    const { forTraining } = options;
    const dataset = await parseDataset(content, { ...named, columns: columnsOf(options), forTraining });
    return { fileName: named.fileName, dataset };
  });
}

/** A dataset that a store keeps, read as a test file. Throws as Registry's openDataset and parseDataset do. */
export async function readStoredDataset(
  registry: Pick<Registry, "openDataset">,
  tenant: TenantId,
  id: string,
): Promise<ReadDataset> {
  const { parts, fileName, mediaType, columns } = await registry.openDataset(tenant, id);
  const content = await spoolContent(parts);
  try {
    const dataset = await parseDataset(content, { fileName, mediaType, columns, forTraining: false });
    return { fileName, dataset };
  } finally {
    await content.close();
  }
}

export function printWarnings(
  { fileName, warnings }: { fileName: string; warnings: readonly DatasetWarning[] },
  io: Io,
): void {
  for (const { message } of warnings) io.stderr(`warning: ${fileName}: ${message}\n`);
}

async function withFile<Result>(
  path: string,
  work: (content: FileHandle, named: { fileName: string; mediaType: DatasetMediaType }) => Promise<Result>,
): Promise<Result> {
  const fileName = basename(path);
  const mediaType = mediaTypeOfFile(fileName);
  if (!mediaType) {
    throw new TrainerError(
      "unsupported_media_type",
      `${path}: name the file .csv, .tsv, .ndjson, .jsonl or .parquet.`,
    );
  }
  const content = await openFile(path);
  try {
    return await work(content, { fileName, mediaType });
  } finally {
    await content.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // A folder can be opened, and not be read.
    if ((await stat(path)).isDirectory()) throw new Error("it is a folder");
    return await open(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${path} cannot be read (${reason}).`, cause);
  }
}

function columnsOf({ textColumn, textPairColumn, labelColumn }: ColumnOptions): DatasetColumns {
  return {
    ...(textColumn !== undefined && { text: textColumn }),
    ...(textPairColumn !== undefined && { textPair: textPairColumn }),
    ...(labelColumn !== undefined && { label: labelColumn }),
  };
}
