// Pages of an adapter's versions. What has no manifest, or is deleted, is not shown.
import { isGone, readState } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { findVersion, getLatestVersion } from "./find-version.ts";
import { type AdapterOwner, manifestKey, manifestsPrefix, versionOfKey } from "./layout.ts";
import { VERSION_MAX, VERSIONS_PER_PAGE_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit } from "./records.ts";
import type { VersionSummary } from "./registry.ts";

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
    // Deleted, and its window over, while this was going on.
    if (!adapter) return undefined;
    const { version, digest, manifest } = adapter;
    const { createdAt, labels, backbone, dataset, origin, signature } = manifest;
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
      ...(origin && { origin }),
      ...(signature && { signedBy: signature.keyId }),
    };
  });
  const versions = found.filter((version) => version !== undefined);
  return next === undefined ? { versions } : { versions, next: versionOfKey(next) };
}
