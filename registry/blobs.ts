// Immutable bytes by their sha256, under the tenant that owns them. Checked at every read.
import type { RegistryContext } from "./context.ts";
import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { blobKey } from "./layout.ts";
import type { TenantId } from "./registry.ts";

/** Content that is there already is not sent again. */
export async function putBlob(
  { store }: RegistryContext,
  tenant: TenantId,
  bytes: Uint8Array,
): Promise<{ digest: string; bytes: number }> {
  const digest = digestOf(bytes);
  const key = blobKey(tenant, digest);
  const isThere = async () => (await store.list({ prefix: key, limit: 1 })).keys[0] === key;
  if (!(await isThere())) {
    const { stored } = await store.put(key, bytes, { ifNoneMatch: "*" });
    // A lost race is no loss: what stands under a digest is what we would have written. But a write is also
    // refused for the sake of one that then fails, or of a delete marker, and nothing stands.
    if (!stored && !(await isThere())) await store.put(key, bytes);
  }
  return { digest, bytes: bytes.byteLength };
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
