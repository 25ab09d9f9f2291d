// Soft deletion of a version: a tombstone in the adapter's state, next to the aliases, so that no alias
// is left pointing at what is deleted, whoever comes first. Its number is never used again.
import { type AdapterState, isGone } from "./adapter-state.ts";
import type { ChangeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getVersion } from "./find-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { DELETED_VERSIONS_MAX } from "./limits.ts";
import { requireRoomForVersion } from "./quota.ts";
import { isRestorable, restorableUntil } from "./remove-adapter.ts";

type VersionChange = ChangeOptions & { readonly version: number };

/** Throws adapter_not_found, version_not_found, version_in_use, limit_exceeded, conflict. */
export async function deleteVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, ...options }: VersionChange,
): Promise<{ restorableUntil: string }> {
  let deletedAt = context.now().toISOString();
  const plan = async (state: AdapterState, at: string) => {
    await getVersion(context, owner, { version, state });
    requireUnused(state, version);
    requireRoom(state, owner);
    deletedAt = at;
    const deletedVersions = [...state.deletedVersions, { version, at }];
    return { state: { ...state, deletedVersions }, entry: { action: "delete_version", version } as const };
  };
  await changeAdapter(context, owner, { plan, ...options });
  return { restorableUntil: restorableUntil(context, deletedAt) };
}

/** Of one that is not deleted, nothing to do. Throws adapter_not_found, version_not_found, quota_exceeded, conflict. */
export async function restoreVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, ...options }: VersionChange,
): Promise<void> {
  const plan = async (state: AdapterState) => {
    const tombstone = state.deletedVersions.find((entry) => entry.version === version);
    const deletedVersions = state.deletedVersions.filter((entry) => entry !== tombstone);
    const restored = { ...state, deletedVersions };
    const isBack =
      tombstone !== undefined && isRestorable(context, tombstone.at) && !isGone(restored, version);
    await getVersion(context, owner, { version, state: isBack ? restored : state });
    if (isBack) await requireRoomForVersion(context, owner, state);
    return isBack ? { state: restored, entry: { action: "restore_version", version } as const } : undefined;
  };
  await changeAdapter(context, owner, { plan, ...options });
}

/** Throws version_in_use. */
function requireUnused({ aliases }: AdapterState, version: number): void {
  const users = aliases.filter((pointer) => pointer.version === version).map(({ alias }) => alias);
  if (users.length === 0) return;
  const message = `Version ${version} is what ${users.sort().join(", ")} points at: move the alias first.`;
  throw new RegistryError("version_in_use", message);
}

/** Throws limit_exceeded. */
function requireRoom({ deletedVersions }: AdapterState, { name }: AdapterOwner): void {
  if (deletedVersions.length < DELETED_VERSIONS_MAX) return;
  const message = `Of ${name} ${DELETED_VERSIONS_MAX} versions are deleted, the limit: restore some, or delete the adapter.`;
  throw new RegistryError("limit_exceeded", message);
}
