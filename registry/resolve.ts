// (tenant, name, alias or version) → manifest: the fifth step, and the only one on the classify path. What is not
// signed as its tenant requires is not resolved, so nothing of it is read, loaded or answered.
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { findVersion, getVersion } from "./find-version.ts";
import { type AdapterReference, parseAlias, type ResolvedAdapter, type TenantId } from "./registry.ts";
import { getPointer } from "./set-alias.ts";
import { recentTrust, requireSigned } from "./signing/require-signed.ts";

/** Throws adapter_not_found, alias_not_found, version_not_found, signature_required, signature_invalid. */
export async function resolve(
  context: RegistryContext,
  tenant: TenantId,
  reference: AdapterReference,
): Promise<ResolvedAdapter> {
  const [adapter, trust] = await Promise.all([
    findReferenced(context, tenant, reference),
    recentTrust(context, tenant),
  ]);
  requireSigned(context, { tenant, adapter, trust });
  return adapter;
}

async function findReferenced(
  context: RegistryContext,
  tenant: TenantId,
  reference: AdapterReference,
): Promise<ResolvedAdapter> {
  const owner = { tenant, name: reference.name };
  if ("version" in reference) return getVersion(context, owner, { version: reference.version });
  const { version } = await getPointer(context, owner, { alias: parseAlias(reference.alias) });
  const found = await findVersion(context, owner, version);
  if (found) return found;
  throw new RegistryError(
    "version_not_found",
    `Alias ${reference.alias} of ${owner.name} points at version ${version}, which is gone. Set the alias to another version.`,
  );
}
