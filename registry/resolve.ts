// (tenant, name, alias or version) → manifest: the fifth step, and the only one on the classify path.
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { findVersion, getVersion } from "./find-version.ts";
import { type AdapterReference, parseAlias, type ResolvedAdapter, type TenantId } from "./registry.ts";
import { getPointer } from "./set-alias.ts";

/** Throws adapter_not_found, alias_not_found, version_not_found. */
export async function resolve(
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
