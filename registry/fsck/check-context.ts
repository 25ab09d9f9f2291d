// What the checks of single objects share.
import type { z } from "zod";
import { RegistryError } from "../errors.ts";
import { type BlobCopy, blobKey } from "../layout.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { readRecord } from "../records.ts";
import type { AdapterName, TenantId } from "../registry.ts";
import { detailsOf } from "../walk-store.ts";
import type { FindingCode } from "./findings.ts";

/** What a check of one object needs. */
export interface CheckContext {
  readonly store: ObjectStore;
  readonly isYoung: (modifiedMs: number) => boolean;
  /** repair: absent where nothing can be done safely. */
  readonly report: (
    code: FindingCode,
    key: string,
    more?: { detail?: string; repair?: () => Promise<unknown> },
  ) => Promise<void>;
  /** Keys of blobs to be compared with what is named, of the tenant that is being walked. */
  readonly blobs: Set<string>;
}

/** Whose an object is; of one that is nobody's, names that no check looks at. */
export interface Place {
  readonly tenant: TenantId;
  readonly name: AdapterName;
}

/** Undefined where it is not there any more, or damaged, which is reported. */
export async function readChecked<Schema extends z.ZodType>(
  { store, report }: CheckContext,
  key: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return (await readRecord(store, key, schema))?.value;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "blob_corrupt") throw error;
    await report("record_damaged", key);
    return undefined;
  }
}

/** That a blob is there, in its size. Its bytes are read when the walk comes to it. */
export async function checkNamedBlob(
  { store, report }: CheckContext,
  key: string,
  { tenant, bytes, ...copy }: BlobCopy & { tenant: TenantId; bytes: number },
): Promise<void> {
  const { digest } = copy;
  const blob = await detailsOf(store, blobKey(tenant, copy));
  // What names it may have been collected since it was listed, and the blob with it.
  if (!blob) {
    if (await detailsOf(store, key)) await report("blob_missing", key, { detail: digest });
  } else if (blob.bytes !== bytes) {
    await report("blob_size_wrong", key, { detail: `${digest}: ${blob.bytes} bytes, not ${bytes}` });
  }
}
