// Uploads past the server, straight into the store, in three steps: one is begun, which reserves its bytes and gives a
// URL for one copy of a blob, bound to digest and size; the file is sent there by whoever has the URL; and it is
// completed, once its caller has read it and found it to be a dataset. An upload that is not completed in time is
// forgotten when the tenant begins another; what was sent is garbage then, and counts until it is collected.
// Its record stands from before its bytes are reserved until after they are released, so that whoever counts meanwhile
// counts too much at worst; and it is forgotten by compare-and-swap, so that of several only one releases.
import { z } from "zod";
import { writeAudit } from "./audit.ts";
import { readBlobParts } from "./blobs.ts";
import { type Actor, createStamp } from "./change.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { datasetSchema } from "./dataset-record.ts";
import { checkDatasetNames } from "./datasets.ts";
import { RegistryError } from "./errors.ts";
import { requireKept } from "./gc/keep-copy.ts";
import { blobKey, DATASET_ID, datasetKey, uploadKey, uploadsPrefix } from "./layout.ts";
import {
  DATASET_BYTES_MAX,
  PRESIGNED_UPLOAD_SECONDS,
  UPLOAD_PENDING_MS_MAX,
  UPLOADS_PENDING_MAX,
} from "./limits.ts";
import { digestSchema } from "./manifest.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import type { PresignedPut } from "./object-store/object-store.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import type { DatasetMediaType, DatasetRecord, TenantId } from "./registry.ts";
import { readUsage, release, reserve } from "./usage.ts";
import { detailsOf } from "./walk-store.ts";

export const uploadSchema = datasetSchema
  .omit({ rows: true, labels: true, columns: true })
  /** Columns as the caller names them; those left out are found when the file is read. */
  .extend({
    columns: z.strictObject({
      text: z.string().exactOptional(),
      textPair: z.string().exactOptional(),
      label: z.string().exactOptional(),
    }),
    completeBefore: z.iso.datetime(),
    /** Whether its bytes are reserved for certain. */
    isReserved: z.boolean(),
    /** A nonce of whoever forgets it, and has yet to release its bytes. */
    forgottenBy: z.string().exactOptional(),
  });

export type UploadRecord = z.infer<typeof uploadSchema>;

export interface NewUpload {
  readonly digest: string;
  readonly bytes: number;
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  readonly columns: UploadRecord["columns"];
}

/**
 * Throws direct_upload_unsupported, invalid_name for what is no digest, limit_exceeded, quota_exceeded, conflict. The
 * bytes are reserved when it returns.
 */
export async function beginUpload(
  context: RegistryContext,
  tenant: TenantId,
  upload: NewUpload,
): Promise<{ datasetId: string; completeBefore: string; put: PresignedPut }> {
  const { store } = context;
  if (!store.presignPut) {
    const message =
      "This server's store takes no uploads by URL, as S3 does: send the file to POST /v1/datasets where it fits into a request, or on the server's machine use softgate train.";
    throw new RegistryError("direct_upload_unsupported", message);
  }
  checkUpload(upload);
  await context.ensureLayout();
  await forgetExpired(context, tenant);
  const { digest, bytes } = upload;
  const copy = createNonce(context);
  const id = `ds_${createNonce(context)}`;
  const createdAt = context.now().toISOString();
  const completeBefore = new Date(context.now().getTime() + UPLOAD_PENDING_MS_MAX).toISOString();
  await reserveFor(context, tenant, {
    ...{ id, copy, ...upload, createdAt, completeBefore, isReserved: false },
  });
  const signed = { digest, bytes, expiresInSeconds: PRESIGNED_UPLOAD_SECONDS };
  const put = await store.presignPut(blobKey(tenant, { digest, copy }), signed);
  return { datasetId: id, completeBefore, put };
}

/** Where this ends in between, what was reserved counts until a recount. */
async function reserveFor(context: RegistryContext, tenant: TenantId, upload: UploadRecord): Promise<void> {
  const { store } = context;
  const key = uploadKey(tenant, upload.id);
  const write = (record: UploadRecord) => store.put(key, encodeRecord(uploadSchema.parse(record)));
  // Where nothing was counted yet, that is done before there is more to count.
  await readUsage(context, tenant);
  await write(upload);
  try {
    await reserve(context, tenant, { bytes: upload.bytes });
  } catch (error) {
    await store.delete(key).catch(() => undefined);
    throw error;
  }
  await write({ ...upload, isReserved: true });
}

/** Undefined where there is none, or its time is over. */
export async function findUpload(
  context: RegistryContext,
  tenant: TenantId,
  id: string,
): Promise<UploadRecord | undefined> {
  if (!DATASET_ID.test(id)) return undefined;
  const record = (await readRecord(context.store, uploadKey(tenant, id), uploadSchema))?.value;
  return record?.isReserved && !isExpired(context, record) ? record : undefined;
}

/** The file, as openDataset gives one. Throws upload_incomplete where it was not sent yet. */
export async function openUpload(
  context: RegistryContext,
  tenant: TenantId,
  upload: UploadRecord,
): Promise<AsyncIterable<Uint8Array>> {
  if (await detailsOf(context.store, blobKey(tenant, upload))) return readBlobParts(context, tenant, upload);
  throw new RegistryError(
    "upload_incomplete",
    `The file is not in the store yet: send it to the upload's URL, then complete it before ${upload.completeBefore}.`,
  );
}

/** By one who has read the file. Twice is once. Throws conflict where the file was collected meanwhile. */
export async function completeUpload(
  context: RegistryContext,
  tenant: TenantId,
  completion: {
    upload: UploadRecord;
    read: Pick<DatasetRecord, "rows" | "labels" | "columns">;
    actor?: Actor;
  },
): Promise<DatasetRecord> {
  const { upload, read, actor } = completion;
  const { completeBefore: _, isReserved: __, ...described } = upload;
  const record = { ...described, ...read };
  checkDatasetNames(record);
  const { id } = record;
  const stamp = createStamp(context, actor ? { actor } : {});
  await writeAudit(context, tenant, { ...stamp, action: "upload_dataset", datasetId: id });
  const bytes = encodeRecord(datasetSchema.parse(record));
  // Of two that complete it at once both have read the same: one record stands.
  await putIf(context.store, datasetKey(tenant, id), { bytes, condition: { ifNoneMatch: "*" } });
  await requireKept(context, tenant, { copies: [upload] });
  await context.store.delete(uploadKey(tenant, id));
  return record;
}

/** It is no dataset. What was sent counts until it is collected. */
export async function refuseUpload(
  { store }: RegistryContext,
  tenant: TenantId,
  { id }: UploadRecord,
): Promise<void> {
  await store.delete(uploadKey(tenant, id));
}

function checkUpload({ digest, bytes, ...names }: NewUpload): void {
  if (!digestSchema.safeParse(digest).success) {
    throw new RegistryError("invalid_name", 'This is no digest: write "sha256:" and 64 hexadecimal digits.');
  }
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > DATASET_BYTES_MAX) {
    const message = `A dataset has from 1 to ${DATASET_BYTES_MAX} bytes, and this one ${bytes}.`;
    throw new RegistryError("limit_exceeded", message);
  }
  checkDatasetNames(names);
}

/** Throws limit_exceeded while the tenant has too many that are not. */
async function forgetExpired(context: RegistryContext, tenant: TenantId): Promise<void> {
  const { store } = context;
  const { keys } = await store.list({ prefix: uploadsPrefix(tenant), limit: UPLOADS_PENDING_MAX });
  const found = await mapInParallel(keys, (key) => readRecord(store, key, uploadSchema));
  const uploads = found.flatMap((record) => (record ? [record] : []));
  const expired = uploads.filter(({ value }) => isExpired(context, value));
  for (const upload of expired) await forget(context, tenant, upload);
  if (uploads.length - expired.length < UPLOADS_PENDING_MAX) return;
  throw new RegistryError(
    "limit_exceeded",
    `You have begun ${UPLOADS_PENDING_MAX} uploads that are not completed: complete them, or wait until their time is over.`,
  );
}

/** Of several that forget it at once, or after one that ended in between, one releases its bytes, or none. */
async function forget(
  context: RegistryContext,
  tenant: TenantId,
  { value: upload, etag }: { value: UploadRecord; etag: string },
): Promise<void> {
  const { store } = context;
  const key = uploadKey(tenant, upload.id);
  if (upload.forgottenBy !== undefined) {
    // Whoever forgot it has long released its bytes, or has ended before.
    if (isExpired(context, upload, UPLOAD_PENDING_MS_MAX)) await store.delete(key);
    return;
  }
  const bytes = encodeRecord(uploadSchema.parse({ ...upload, forgottenBy: createNonce(context) }));
  if (!(await putIf(store, key, { bytes, condition: { ifMatch: etag } }))) return;
  // Its URL is over: what is not there now will never be. What is there is garbage, and counts until it is removed.
  const isSent = (await detailsOf(store, blobKey(tenant, upload))) !== undefined;
  if (upload.isReserved && !isSent) await release(context, tenant, upload);
  await store.delete(key);
}

function isExpired(context: RegistryContext, { completeBefore }: UploadRecord, sinceMs = 0): boolean {
  return context.now().getTime() >= Date.parse(completeBefore) + sinceMs;
}
