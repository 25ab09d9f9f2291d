// Immutable bytes by their sha256, under the tenant that owns them. Checked at every read. Each write of a
// content makes a copy of its own, under a key that is never written again: so a deletion that comes late, of a
// collector that was halted, deletes what it was meant for and nothing else. What names a blob names its copy.
import { createHash } from "node:crypto";
import { createNonce, type RegistryContext } from "./context.ts";
import { digestOf, digestOfLarge } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { keepCopy } from "./gc/keep-copy.ts";
import { type BlobCopy, blobKey, blobKeyOf, copiesPrefix, copyOfKey, markKeyOf } from "./layout.ts";
import { BLOB_PART_BYTES, COPIES_LISTED_MAX } from "./limits.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import type { TenantId } from "./registry.ts";
import { release, reserve } from "./usage.ts";
import { detailsOf } from "./walk-store.ts";

interface BlobEntry extends BlobCopy {
  readonly bytes: number;
}

interface Source {
  readonly copy: BlobCopy;
  readonly content: Uint8Array;
  /** counted: it is there. rescued: it is there, and may not count. absent: to be written. */
  readonly found: "counted" | "rescued" | "absent";
}

/**
 * Content that is there already is not sent again, and does not count. Of two that send the same at once each sends
 * it and counts, until a recount. Call requireKept once what names them stands. Throws quota_exceeded.
 */
export async function putBlobs<Contents extends readonly Uint8Array[]>(
  context: RegistryContext,
  tenant: TenantId,
  contents: readonly [...Contents],
): Promise<{ [Index in keyof Contents]: BlobEntry }> {
  const blobs: { content: Uint8Array; digest: string }[] = [];
  for (const content of contents) blobs.push({ content, digest: await digestOfLarge(content) });
  const sources = new Map<string, Source>();
  for (const { content, digest } of blobs) {
    if (!sources.has(digest)) sources.set(digest, await findSource(context, tenant, { content, digest }));
  }
  const uncounted = [...sources.values()].filter(({ found }) => found !== "counted");
  const bytes = uncounted.reduce((sum, { content }) => sum + content.byteLength, 0);
  await reserve(context, tenant, { bytes });
  const missing = uncounted.filter(({ found }) => found === "absent");
  try {
    const writes = missing.map(({ copy, content }) =>
      writeBlob(context.store, blobKey(tenant, copy), content),
    );
    await Promise.allSettled(writes);
    await Promise.all(writes);
  } catch (error) {
    await releaseAbsent(context, tenant, missing).catch(() => undefined);
    throw error;
  }
  return blobs.map(({ digest, content }) => ({
    ...sources.get(digest)?.copy,
    ...{ digest, bytes: content.byteLength },
  })) as { [Index in keyof Contents]: BlobEntry };
}

async function findSource(
  context: RegistryContext,
  tenant: TenantId,
  { content, digest }: { content: Uint8Array; digest: string },
): Promise<Source> {
  const page = await context.store.list({ prefix: copiesPrefix(tenant, digest), limit: COPIES_LISTED_MAX });
  // Of a page that does not end the list, a mark may be missing.
  const keys = new Set(page.next === undefined ? page.keys : []);
  for (const key of keys) {
    if (blobKeyOf(key) !== key) continue;
    const copy = copyOfKey(key);
    if (!keys.has(markKeyOf(key))) return { copy, content, found: "counted" };
    const kept = await keepCopy(context, key);
    if (kept !== "gone") return { copy, content, found: kept === "kept" ? "counted" : "rescued" };
  }
  return { copy: { digest, copy: createNonce(context) }, content, found: "absent" };
}

/** A write is also refused that is tried again by the client, or for the sake of a delete marker. */
export async function writeBlob(store: ObjectStore, key: string, content: Uint8Array): Promise<void> {
  const { stored } = await store.put(key, content, { ifNoneMatch: "*" });
  if (!stored && !(await detailsOf(store, key))) await store.put(key, content);
}

/** A write that failed may have been made: what is there stays counted. */
async function releaseAbsent(
  context: RegistryContext,
  tenant: TenantId,
  tried: readonly Source[],
): Promise<void> {
  for (const { copy, content } of tried) {
    if (await detailsOf(context.store, blobKey(tenant, copy))) continue;
    await release(context, tenant, { bytes: content.byteLength });
  }
}

/** Throws blob_not_found, blob_corrupt. */
export async function getBlob(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
  expected: BlobEntry,
): Promise<Uint8Array> {
  const stored = await store.get(blobKey(tenant, expected));
  if (!stored) throw gone(expected);
  if (stored.bytes.byteLength !== expected.bytes || digestOf(stored.bytes) !== expected.digest) {
    throw corrupt(expected);
  }
  return stored.bytes;
}

/** The same of one that may be large: each part has a request's time to come. */
export async function getLargeBlob(
  context: Pick<RegistryContext, "store">,
  tenant: TenantId,
  expected: BlobEntry,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(expected.bytes);
  let filled = 0;
  for await (const part of readBlobParts(context, tenant, expected)) {
    bytes.set(part, filled);
    filled += part.byteLength;
  }
  return bytes;
}

/**
 * The same, part by part: no more than BLOB_PART_BYTES are in memory, and only who has read them all knows that they are
 * what was expected. Throws blob_not_found, blob_corrupt.
 */
export async function* readBlobParts(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
  expected: BlobEntry,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const part of objectParts(store, blobKey(tenant, expected), expected)) {
    hash.update(part);
    yield part;
  }
  if (`sha256:${hash.digest("hex")}` !== expected.digest) throw corrupt(expected);
}

/** Of an object of this size. Throws blob_not_found, and blob_corrupt where it has another. */
async function* objectParts(
  store: ObjectStore,
  key: string,
  expected: BlobEntry,
): AsyncGenerator<Uint8Array> {
  const standing = await detailsOf(store, key);
  if (!standing) throw gone(expected);
  if (standing.bytes !== expected.bytes) throw corrupt(expected);
  for (let from = 0; from < expected.bytes; ) {
    const bytesMax = Math.min(BLOB_PART_BYTES, expected.bytes - from);
    const part = await store.getPart(key, { from, bytesMax });
    if (!part) throw gone(expected);
    if (part.byteLength !== bytesMax) throw corrupt(expected);
    from += part.byteLength;
    yield part;
  }
}

function gone({ digest }: BlobEntry): RegistryError {
  const message = `Blob ${digest} is gone from the store: restore it, or publish again.`;
  return new RegistryError("blob_not_found", message);
}

function corrupt({ digest }: BlobEntry): RegistryError {
  return new RegistryError("blob_corrupt", `Blob ${digest} was changed in the store: restore it.`);
}
