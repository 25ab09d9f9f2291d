// Pages of a tenant's adapters and of an adapter's versions. What has no manifest, or is deleted, is not shown.
import { isGone, readState } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { findLatestVersion, findVersion, getLatestVersion } from "./find-version.ts";
import {
  type AdapterOwner,
  adaptersPrefix,
  lastSegment,
  manifestKey,
  manifestsPrefix,
  versionOfKey,
} from "./layout.ts";
import { ADAPTERS_PER_PAGE_MAX, VERSION_MAX, VERSIONS_PER_PAGE_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit } from "./records.ts";
import { type AdapterSummary, parseAdapterName, type TenantId, type VersionSummary } from "./registry.ts";

/** By name. A page may be shorter than its limit; the last one has no next. */
export async function listAdapters(
  context: RegistryContext,
  tenant: TenantId,
  page: { after?: string; limit?: number } = {},
): Promise<{ adapters: AdapterSummary[]; next?: string }> {
  const prefix = adaptersPrefix(tenant);
  const { prefixes, next } = await context.store.list({
    prefix,
    delimiter: "/",
    limit: clampLimit(page.limit, ADAPTERS_PER_PAGE_MAX),
    ...(page.after !== undefined && { after: `${prefix}${parseAdapterName(page.after)}/` }),
  });
  const names = prefixes.map((folder) => parseAdapterName(lastSegment(folder)));
  const summaries = await mapInParallel(names, (name) => summarizeAdapter(context, { tenant, name }));
  const adapters = summaries.filter((summary) => summary !== undefined);
  return next === undefined ? { adapters } : { adapters, next: lastSegment(next) };
}

async function summarizeAdapter(
  context: RegistryContext,
  owner: AdapterOwner,
): Promise<AdapterSummary | undefined> {
  const state = await readState(context, owner);
  const latestVersion = await findLatestVersion(context, owner, state);
  if (latestVersion === undefined) return undefined;
  const aliases = Object.fromEntries(state.aliases.map(({ alias, version }) => [alias, version]));
  return { name: owner.name, latestVersion, aliases };
}

/** Newest first; `before` is a version. A page may be shorter than its limit, even empty. Throws adapter_not_found. */
export async function listVersions(
  context: RegistryContext,
  owner: AdapterOwner,
  page: { before?: number; limit?: number } = {},
): Promise<{ versions: VersionSummary[]; next?: number }> {
  const { keys, next } = await context.store.list({
    prefix: manifestsPrefix(owner),
    limit: clampLimit(page.limit, VERSIONS_PER_PAGE_MAX),
    ...(page.before !== undefined &&
      page.before <= VERSION_MAX && { after: manifestKey(owner, page.before) }),
  });
  const state = await readState(context, owner);
  const live = state.deleted ? [] : keys.filter((key) => !isGone(state, versionOfKey(key)));
  if (live.length === 0) await getLatestVersion(context, owner, state);
  const { aliases } = state;
  const found = await mapInParallel(live, async (key) => {
    const adapter = await findVersion(context, owner, versionOfKey(key));
    if (!adapter) throw new Error(`invariant: ${key} is listed and absent`);
    const { version, digest, manifest } = adapter;
    const { createdAt, labels, backbone, dataset } = manifest;
    const names = aliases.filter((entry) => entry.version === version).map(({ alias }) => alias);
    const { id, digest: backboneDigest } = backbone;
    return {
      version,
      digest,
      createdAt,
      aliases: names.sort(),
      labels,
      backbone: { id, digest: backboneDigest },
      dataset,
    };
  });
  return next === undefined ? { versions: found } : { versions: found, next: versionOfKey(next) };
}
