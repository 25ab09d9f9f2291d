// Uploads past the server, straight into the store: a URL for one copy of a blob of a tenant, bound to its digest and size.
// Nothing is reserved for it, and until something names the blob it is nobody's: who makes a dataset of it counts it.
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { blobKey } from "./layout.ts";
import { DATASET_BYTES_MAX, PRESIGNED_UPLOAD_SECONDS } from "./limits.ts";
import { digestSchema } from "./manifest.ts";
import type { PresignedPut } from "./object-store/object-store.ts";
import type { TenantId } from "./registry.ts";
import { readTenantLimits, requireWithin } from "./tenant-limits.ts";
import { peekUsage } from "./usage.ts";

/** Throws direct_upload_unsupported, invalid_name for what is no digest, limit_exceeded, quota_exceeded. */
export async function presignUpload(
  context: RegistryContext,
  tenant: TenantId,
  { digest, bytes }: { digest: string; bytes: number },
): Promise<PresignedPut> {
  const { store } = context;
  if (!store.presignPut) {
    const message = "This server's store takes no uploads by URL, as S3 does: upload through the server.";
    throw new RegistryError("direct_upload_unsupported", message);
  }
  if (!digestSchema.safeParse(digest).success) {
    throw new RegistryError("invalid_name", 'This is no digest: write "sha256:" and 64 hexadecimal digits.');
  }
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > DATASET_BYTES_MAX) {
    const message = `A dataset has from 1 to ${DATASET_BYTES_MAX} bytes, and this one ${bytes}.`;
    throw new RegistryError("limit_exceeded", message);
  }
  const limits = await readTenantLimits(context, tenant);
  const used = await peekUsage(context, tenant);
  requireWithin("bytes", { limit: limits.bytes, used: used.bytes, more: bytes });
  await context.ensureLayout();
  const upload = { digest, bytes, expiresInSeconds: PRESIGNED_UPLOAD_SECONDS };
  return store.presignPut(blobKey(tenant, { digest, copy: createNonce(context) }), upload);
}
