// The retention of an adapter: how many versions stay. A rule in its state; a collection (gc/) applies it, as
// deletions that can be restored within the window. Never deleted by it: what an alias points at, where the next
// rollback of an alias leads, and what is so young that its publish may be about to move an alias to it.
import { type AdapterState, findEarlier, isGone, readState } from "./adapter-state.ts";
import { changeOptions, type Retention } from "./change.ts";
import { changeAdapter, type PlannedChange } from "./change-adapter.ts";
import type { RegistryContext } from "./context.ts";
import { findVersion, getLatestVersion } from "./find-version.ts";
import { type AdapterOwner, manifestsPrefix, versionOfKey } from "./layout.ts";
import { DELETED_VERSIONS_MAX, GARBAGE_AGE_MS_MIN, VERSIONS_PER_CHANGE_MAX } from "./limits.ts";
import { listPages } from "./list-all.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import type { SetRetentionRequest } from "./registry.ts";
import { requireRevision, revisionOfRetention } from "./revision.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** In place of the one before; without one, all stay. Throws adapter_not_found, revision_changed, conflict. */
export async function setRetention(
  context: RegistryContext,
  owner: AdapterOwner,
  { actor, why, retention, ifRevision }: SetRetentionRequest,
): Promise<void> {
  const after = retention && { retention };
  const plan = async (state: AdapterState) => {
    await getLatestVersion(context, owner, state);
    const { retention: before, ...rest } = state;
    requireRevision(revisionOfRetention(before), ifRevision);
    if (JSON.stringify(before) === JSON.stringify(retention)) return undefined;
    return { state: { ...rest, ...after }, entry: { action: "set_retention", ...after } as const };
  };
  await changeAdapter(context, owner, { plan, ...changeOptions({ actor, why }) });
}

/** Undefined where all versions stay. Throws adapter_not_found. */
export async function getRetention(
  context: RegistryContext,
  owner: AdapterOwner,
): Promise<{ retention: Retention | undefined; revision: string }> {
  const state = await readState(context, owner);
  await getLatestVersion(context, owner, state);
  const { retention } = state;
  return { retention, revision: revisionOfRetention(retention) };
}

/** The deletion of the oldest versions that need not stay, a bounded number of them; undefined when there are none. */
export async function planExpiry(
  context: RegistryContext,
  owner: AdapterOwner,
  { state, at }: { state: AdapterState; at: string },
): Promise<PlannedChange | undefined> {
  const { retention, deletedVersions } = state;
  if (!retention || state.deleted) return undefined;
  const superseded = (await listLive(context, owner, state)).slice(retention.keepVersions);
  const needed = neededVersions(state);
  const room = Math.min(VERSIONS_PER_CHANGE_MAX, DELETED_VERSIONS_MAX - deletedVersions.length);
  const oldest = superseded.filter((version) => !needed.has(version)).slice(-room);
  const versions = room > 0 ? await dropYoung(context, owner, { versions: oldest.reverse(), retention }) : [];
  if (versions.length === 0) return undefined;
  const tombstones = versions.map((version) => ({ version, at }));
  return {
    state: { ...state, deletedVersions: [...deletedVersions, ...tombstones] },
    entry: {
      action: "expire_versions",
      versions,
      automatic: true,
      why: `Retention: ${describe(retention)}.`,
    },
  };
}

/** Newest first. */
async function listLive(
  { store }: RegistryContext,
  owner: AdapterOwner,
  state: AdapterState,
): Promise<number[]> {
  const live: number[] = [];
  for await (const { keys } of listPages(store, { prefix: manifestsPrefix(owner) })) {
    live.push(...keys.map(versionOfKey).filter((version) => !isGone(state, version)));
  }
  return live;
}

function neededVersions(state: AdapterState): ReadonlySet<number> {
  const versions = state.aliases.flatMap((pointer) => [pointer.version, findEarlier(state, pointer)]);
  return new Set(versions.filter((version) => version !== undefined));
}

async function dropYoung(
  context: RegistryContext,
  owner: AdapterOwner,
  { versions, retention }: { versions: readonly number[]; retention: Retention },
): Promise<number[]> {
  const { keepDays = 0 } = retention;
  const youngFromMs = context.now().getTime() - Math.max(keepDays * DAY_MS, GARBAGE_AGE_MS_MIN);
  const found = await mapInParallel(versions, (version) => findVersion(context, owner, version));
  return found
    .filter((adapter) => adapter !== undefined)
    .filter(({ manifest }) => Date.parse(manifest.createdAt) <= youngFromMs)
    .map(({ version }) => version);
}

function describe({ keepVersions, keepDays }: Retention): string {
  const newest = `the newest ${keepVersions} stay`;
  return keepDays === undefined ? newest : `${newest}, and those of the last ${keepDays} days`;
}
