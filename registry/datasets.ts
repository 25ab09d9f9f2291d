// A tenant's uploaded files: the bytes as a blob, and a record that describes them.
import { writeAudit } from "./audit.ts";
import { getLargeBlob, putBlobs, readBlobParts } from "./blobs.ts";
import { createStamp } from "./change.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { datasetSchema } from "./dataset-record.ts";
import { RegistryError } from "./errors.ts";
import { requireKept } from "./gc/keep-copy.ts";
import { DATASET_ID, datasetKey } from "./layout.ts";
import { COLUMN_NAME_LENGTH_MAX, DATASET_BYTES_MAX, FILE_NAME_LENGTH_MAX } from "./limits.ts";
import { encodeRecord, readRecord } from "./records.ts";
import type { DatasetRecord, Registry, TenantId } from "./registry.ts";

/** The file was parsed by the caller. Throws limit_exceeded, quota_exceeded, conflict. */
export async function putDataset(
  context: RegistryContext,
  tenant: TenantId,
  dataset: Parameters<Registry["putDataset"]>[1],
): Promise<DatasetRecord> {
  const { bytes, rows, labels, fileName, mediaType, columns, actor, onceId } = dataset;
  checkLimits(dataset);
  await context.ensureLayout();
  const since = context.now();
  const [blob] = await putBlobs(context, tenant, [bytes]);
  const id = `ds_${onceId ?? createNonce(context)}`;
  const stamp = createStamp(context, actor ? { actor } : {});
  const { at: createdAt } = stamp;
  const record = { id, ...blob, rows, labels, fileName, mediaType, columns, createdAt };
  await writeAudit(context, tenant, { ...stamp, action: "upload_dataset", datasetId: id });
  await context.store.put(datasetKey(tenant, id), encodeRecord(record));
  await requireKept(context, tenant, { copies: [blob], since });
  return record;
}

/** Throws dataset_not_found, blob_not_found, blob_corrupt. */
export async function getDataset(
  context: RegistryContext,
  tenant: TenantId,
  id: string,
): Promise<DatasetRecord & { content: Uint8Array }> {
  const record = await getDatasetRecord(context, tenant, id);
  return { ...record, content: await getLargeBlob(context, tenant, record) };
}

/** Throws dataset_not_found; and the parts, while they are read, blob_not_found and blob_corrupt. */
export async function openDataset(
  context: RegistryContext,
  tenant: TenantId,
  id: string,
): Promise<DatasetRecord & { parts: AsyncIterable<Uint8Array> }> {
  const record = await getDatasetRecord(context, tenant, id);
  return { ...record, parts: readBlobParts(context, tenant, record) };
}

/** Throws dataset_not_found, blob_corrupt. */
export async function getDatasetRecord(
  context: RegistryContext,
  tenant: TenantId,
  id: string,
): Promise<DatasetRecord> {
  const found = DATASET_ID.test(id)
    ? await readRecord(context.store, datasetKey(tenant, id), datasetSchema)
    : undefined;
  if (!found) {
    throw new RegistryError("dataset_not_found", "You have no dataset of this id. Upload it first.");
  }
  return found.value;
}

function checkLimits({ bytes, ...names }: Parameters<Registry["putDataset"]>[1]): void {
  if (bytes.byteLength > DATASET_BYTES_MAX) {
    const message = `A dataset has at most ${DATASET_BYTES_MAX} bytes, and this one ${bytes.byteLength}: split it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  checkDatasetNames(names);
}

/** Throws limit_exceeded. */
export function checkDatasetNames({
  fileName,
  columns,
}: {
  readonly fileName: string;
  readonly columns: Partial<DatasetRecord["columns"]>;
}): void {
  if (fileName.length > FILE_NAME_LENGTH_MAX) {
    const message = `The file's name is longer than ${FILE_NAME_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  if (Object.values(columns).some((name) => name.length > COLUMN_NAME_LENGTH_MAX)) {
    const message = `A column's name is longer than ${COLUMN_NAME_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
}
