// Reads versions: a version exists when, and only when, its manifest stands. Manifests never change,
// so those that were read are kept in memory. Also the errors for what is not there: an adapter of
// another tenant is answered like one that never was, since every key starts with the caller's tenant.
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { type AdapterOwner, manifestKey, manifestsPrefix, versionOfKey } from "./layout.ts";
import { decodeManifest } from "./manifest.ts";
import type { ResolvedAdapter } from "./registry.ts";

/** Throws invalid_manifest. */
export async function findVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  version: number,
): Promise<ResolvedAdapter | undefined> {
  const key = manifestKey(owner, version);
  const cached = context.manifests.get(key);
  if (cached) return cached;
  const stored = await context.store.get(key);
  if (!stored) return undefined;
  const { name } = owner;
  const adapter = { name, version, ...decodeManifest(stored.bytes, { name, version }) };
  context.manifests.set(key, adapter, { size: stored.bytes.byteLength });
  return adapter;
}

/** Throws adapter_not_found, version_not_found. */
export async function getVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  version: number,
): Promise<ResolvedAdapter> {
  const found = await findVersion(context, owner, version);
  if (found) return found;
  const latest = await getLatestVersion(context, owner);
  throw new RegistryError(
    "version_not_found",
    `Adapter ${owner.name} has no version ${version}. Its latest is ${latest}; list its versions to see all.`,
  );
}

export async function findLatestVersion(
  { store }: RegistryContext,
  owner: AdapterOwner,
): Promise<number | undefined> {
  const { keys } = await store.list({ prefix: manifestsPrefix(owner), limit: 1 });
  return keys[0] === undefined ? undefined : versionOfKey(keys[0]);
}

/** Throws adapter_not_found. */
export async function getLatestVersion(context: RegistryContext, owner: AdapterOwner): Promise<number> {
  const latest = await findLatestVersion(context, owner);
  if (latest !== undefined) return latest;
  throw new RegistryError(
    "adapter_not_found",
    `You have no adapter ${owner.name}. List your adapters for their names, or train this one first.`,
  );
}
