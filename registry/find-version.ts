// Reads versions: a version exists when, and only when, its manifest stands and neither it nor its
// adapter is deleted. Manifests never change, so those that were read are kept in memory. Also the errors
// for what is not there: what is deleted, or another tenant's, is answered like what never was.
import { type AdapterState, isGone, readState } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { type AdapterOwner, manifestKey, manifestsPrefix, versionOfKey } from "./layout.ts";
import { MANIFESTS_LISTED_AT_ONCE } from "./limits.ts";
import { decodeManifest } from "./manifest.ts";
import type { ResolvedAdapter } from "./registry.ts";

/** Whether deleted or not. Throws invalid_manifest. */
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

/** By the given state, or one that is at most ALIAS_STALE_MS_MAX old. Throws adapter_not_found, version_not_found. */
export async function getVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, ...given }: { version: number; state?: AdapterState },
): Promise<ResolvedAdapter> {
  const state = given.state ?? (await readState(context, owner));
  const isHidden = state.deleted !== undefined || isGone(state, version);
  const found = isHidden ? undefined : await findVersion(context, owner, version);
  if (found) return found;
  const latest = await getLatestVersion(context, owner, state);
  throw new RegistryError(
    "version_not_found",
    `Adapter ${owner.name} has no version ${version}. Its latest is ${latest}; list its versions to see all.`,
  );
}

/** By the given state, or one that is at most ALIAS_STALE_MS_MAX old. */
export async function findLatestVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  given?: AdapterState,
): Promise<number | undefined> {
  const state = given ?? (await readState(context, owner));
  if (state.deleted !== undefined) return undefined;
  // Mostly the newest is there; a collection may be about to remove its manifest.
  let limit = state.deletedVersions.length === 0 ? 1 : MANIFESTS_LISTED_AT_ONCE;
  for (let after: string | undefined; ; limit = MANIFESTS_LISTED_AT_ONCE) {
    const prefix = manifestsPrefix(owner);
    const page = await context.store.list({ prefix, limit, ...(after !== undefined && { after }) });
    const latest = page.keys.map(versionOfKey).find((version) => !isGone(state, version));
    // From here on all are gone.
    const isEnd = page.next === undefined || versionOfKey(page.next) <= state.goneThrough;
    if (latest !== undefined || isEnd) return latest;
    after = page.next;
  }
}

/** As findLatestVersion. Throws adapter_not_found. */
export async function getLatestVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  state?: AdapterState,
): Promise<number> {
  const latest = await findLatestVersion(context, owner, state);
  if (latest !== undefined) return latest;
  throw new RegistryError(
    "adapter_not_found",
    `You have no adapter ${owner.name}. List your adapters for their names, or train this one first.`,
  );
}
