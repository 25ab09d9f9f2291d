// Immutable bytes by their sha256, under the tenant that owns them. Checked at every read.
import type { RegistryContext } from "./context.ts";
import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { blobKey } from "./layout.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import type { TenantId } from "./registry.ts";
import { release, reserve } from "./usage.ts";

interface BlobEntry {
  readonly digest: string;
  readonly bytes: number;
}

/**
 * Content that is there already is not sent again, and does not count. Of two that send the same at once each
 * counts, until a recount. Throws quota_exceeded.
 */
export async function putBlobs<Contents extends readonly Uint8Array[]>(
  context: RegistryContext,
  tenant: TenantId,
  contents: readonly [...Contents],
): Promise<{ [Index in keyof Contents]: BlobEntry }> {
  const { store } = context;
  const blobs = contents.map((content) => ({ content, digest: digestOf(content) }));
  const missing = new Map<string, Uint8Array>();
  for (const { content, digest } of blobs) {
    const key = blobKey(tenant, digest);
    if (!(await isThere(store, key))) missing.set(key, content);
  }
  const bytes = [...missing.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  await reserve(context, tenant, { bytes });
  try {
    const writes = [...missing].map(([key, content]) => writeBlob(store, key, content));
    await Promise.allSettled(writes);
    await Promise.all(writes);
  } catch (error) {
    await releaseAbsent(context, tenant, missing).catch(() => undefined);
    throw error;
  }
  return blobs.map(({ digest, content }) => ({ digest, bytes: content.byteLength })) as {
    [Index in keyof Contents]: BlobEntry;
  };
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  return (await store.list({ prefix: key, limit: 1 })).keys[0] === key;
}

/**
 * A lost race is no loss: what stands under a digest is what we would have written. But a write is also refused for
 * the sake of one that then fails, or of a delete marker, and nothing stands.
 */
async function writeBlob(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  const { stored } = await store.put(key, bytes, { ifNoneMatch: "*" });
  if (!stored && !(await isThere(store, key))) await store.put(key, bytes);
}

/** A write that failed may have been made: what is there stays counted. */
async function releaseAbsent(
  context: RegistryContext,
  tenant: TenantId,
  tried: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [key, { byteLength }] of tried) {
    if (!(await isThere(context.store, key))) await release(context, tenant, { bytes: byteLength });
  }
}

/** Throws blob_not_found, blob_corrupt. */
export async function getBlob(
  { store }: RegistryContext,
  tenant: TenantId,
  expected: { digest: string; bytes: number },
): Promise<Uint8Array> {
  const { digest } = expected;
  const stored = await store.get(blobKey(tenant, digest));
  if (!stored) {
    throw new RegistryError(
      "blob_not_found",
      `Blob ${digest} is gone from the store: restore it, or publish again.`,
    );
  }
  if (stored.bytes.byteLength !== expected.bytes || digestOf(stored.bytes) !== digest) {
    throw new RegistryError("blob_corrupt", `Blob ${digest} was changed in the store: restore it.`);
  }
  return stored.bytes;
}
