// (tenant, name, alias or version) → manifest: the fifth step, and the only one on the classify path.
import { readAliases } from "./aliases-record.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { findVersion, getLatestVersion, getVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { type AdapterReference, parseAlias, type ResolvedAdapter, type TenantId } from "./registry.ts";

/** Throws adapter_not_found, alias_not_found, version_not_found. */
export async function resolve(
  context: RegistryContext,
  tenant: TenantId,
  reference: AdapterReference,
): Promise<ResolvedAdapter> {
  const owner = { tenant, name: reference.name };
  if ("version" in reference) return getVersion(context, owner, reference.version);
  const version = await getAliasedVersion(context, owner, parseAlias(reference.alias));
  const found = await findVersion(context, owner, version);
  if (found) return found;
  throw new RegistryError(
    "version_not_found",
    `Alias ${reference.alias} of ${owner.name} points at version ${version}, which is gone. Set the alias to another version.`,
  );
}

async function getAliasedVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  alias: string,
): Promise<number> {
  const aliases = (await readAliases(context, owner))?.aliases ?? [];
  const pointer = aliases.find((entry) => entry.alias === alias);
  if (pointer) return pointer.version;
  const latest = await getLatestVersion(context, owner);
  const known = aliases.length === 0 ? "none" : aliases.map((entry) => entry.alias).join(", ");
  throw new RegistryError(
    "alias_not_found",
    `Adapter ${owner.name} has no alias ${alias} (it has: ${known}). Set it, or name a version, such as ${owner.name}:${latest}.`,
  );
}
