// A file from disk → a dataset of a store of one's own. It is written in one piece, and so once whole in memory.
import type { Actor, DatasetRecord, Registry, TenantId } from "#registry";
import { openContent } from "#trainer/dataset";
import { type DatasetFile, requireUnchanged } from "./read-dataset.ts";

/** Throws as Registry's putDataset, and CliError file_unreadable where the file was changed since it was read. */
export async function keepDataset(
  registry: Pick<Registry, "putDataset">,
  tenant: TenantId,
  { file, actor }: { readonly file: DatasetFile; readonly actor: Actor },
): Promise<DatasetRecord> {
  const { content, bytes: size, fileName, mediaType, summary } = file;
  const { rows, labels, columns } = summary;
  const bytes = await (await openContent(content)).read(0, size);
  await requireUnchanged(file);
  return registry.putDataset(tenant, { bytes, fileName, mediaType, rows, labels, columns, actor });
}
