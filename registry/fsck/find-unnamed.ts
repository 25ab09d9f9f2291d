// Blobs that nothing names, among those that a walk has met.
import { RegistryError } from "../errors.ts";
import { dropNamed } from "../named-blobs.ts";
import type { TenantId } from "../registry.ts";
import type { CheckContext } from "./check-context.ts";

/** Empties the context's blobs. Says nothing where a manifest cannot be read: it may name any of them. */
export async function findUnnamed(context: CheckContext, tenant: TenantId): Promise<void> {
  const unnamed = new Set(context.blobs);
  try {
    if (unnamed.size > 0) await dropNamed(context, tenant, unnamed);
    for (const key of unnamed) await context.report("blob_unnamed", key);
  } catch (error) {
    // That manifest, or dataset record, is a finding of its own.
    if (!(error instanceof RegistryError) || !unreadable.has(error.code)) throw error;
  } finally {
    context.blobs.clear();
  }
}

const unreadable = new Set<RegistryError["code"]>(["invalid_manifest", "blob_corrupt", "invalid_name"]);
