// Removes what is left of deleted versions and adapters once they cannot be restored any more. What decides is a
// change of the adapter's state: after it no restoration is possible, by whatever clock, and the numbers are gone
// for good. Then figures on test sets and feedback go, manifests after them, and claims last. A collection that dies in between is taken up by the next: what
// is gone for good and still has a manifest is removed. The newest claim stays, since numbers go on from it;
// state and history stay too.
import { type AdapterState, EMPTY_STATE, isGoneForGood, stateSchema, withGone } from "../adapter-state.ts";
import { changeAdapter, type Plan, type PlannedChange } from "../change-adapter.ts";
import type { RegistryContext } from "../context.ts";
import { findVersion } from "../find-version.ts";
import {
  type AdapterOwner,
  claimsPrefix,
  evaluationsPrefix,
  manifestKey,
  manifestsPrefix,
  stateKey,
  versionFeedbackPrefix,
  versionOfKey,
} from "../layout.ts";
import { GONE_RANGES_MAX, VERSIONS_PER_CHANGE_MAX } from "../limits.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { readRecord } from "../records.ts";
import { isAdapterRestorable, isRestorable } from "../remove-adapter.ts";
import { planExpiry } from "../retention.ts";
import { objectPages } from "../walk-store.ts";
import type { Collecting } from "./collecting.ts";

/** Throws conflict, blob_corrupt, invalid_manifest. */
export async function collectAdapter(run: Collecting, owner: AdapterOwner): Promise<void> {
  const { context } = run;
  const stored = (await readRecord(context.store, stateKey(owner), stateSchema))?.value ?? EMPTY_STATE;
  const expired = stored.retention
    ? await changeAll(run, owner, {
        stored,
        plan: (state, at) => planExpiry(context, owner, { state, at }),
      })
    : stored;
  const isDue = expired.deleted !== undefined || expired.deletedVersions.length > 0;
  const state = isDue
    ? await changeAll(run, owner, {
        stored: expired,
        plan: async (before, at) => planCollection({ ...context, now: () => new Date(at) }, before),
      })
    : expired;
  await removeGone(run, owner, state);
  run.looked({ adapters: 1 });
}

/** Of what can no longer be restored at the time of the change; a bounded number of versions. */
function planCollection(
  context: Pick<RegistryContext, "now" | "restoreMs">,
  state: AdapterState,
): PlannedChange | undefined {
  const { deleted, deletedVersions, gone = [], goneThrough } = state;
  if (deleted) {
    if (deleted.collected || isAdapterRestorable(context, deleted)) return undefined;
    const through = Math.max(goneThrough, deleted.through);
    return {
      state: { ...EMPTY_STATE, goneThrough: through, deleted: { ...deleted, collected: true } },
      entry: { action: "collect_adapter", automatic: true },
    };
  }
  const versions = deletedVersions
    .filter(({ at }) => !isRestorable(context, at))
    .slice(0, VERSIONS_PER_CHANGE_MAX)
    .map(({ version }) => version);
  const after = withGone(state, versions);
  const isTooMuch = (after.gone?.length ?? 0) > Math.max(GONE_RANGES_MAX, gone.length);
  if (versions.length === 0 || isTooMuch) return undefined;
  return { state: after, entry: { action: "collect_versions", versions, automatic: true } };
}

/** Changes the state until the plan has nothing left to do; the state after it. */
async function changeAll(
  run: Collecting,
  owner: AdapterOwner,
  { stored, plan }: { stored: AdapterState; plan: Plan },
): Promise<AdapterState> {
  const { context, actor, dryRun } = run;
  for (let state = stored; ; ) {
    const made: PlannedChange[] = [];
    const remembered: Plan = async (before, at) => {
      const planned = await plan(before, at);
      made.splice(0, 1, ...(planned ? [planned] : []));
      return planned;
    };
    state = dryRun
      ? ((await remembered(state, context.now().toISOString()))?.state ?? state)
      : await changeAdapter(context, owner, { plan: remembered, ...(actor && { actor }) });
    const [change] = made;
    if (!change) return state;
    tellChange(run, owner, change);
  }
}

function tellChange({ tell }: Collecting, { name }: AdapterOwner, { entry }: PlannedChange): void {
  if (entry.action === "collect_adapter") tell({ kind: "adapter", name, bytes: 0 });
  if (entry.action !== "expire_versions") return;
  for (const version of entry.versions ?? []) tell({ kind: "expired", name: `${name}:${version}`, bytes: 0 });
}

/** Removes manifests of versions that are gone for good, then claims that stand for nothing. */
async function removeGone(run: Collecting, owner: AdapterOwner, state: AdapterState): Promise<void> {
  const { context, dryRun, isYoung, tell } = run;
  // Claims first: of one that has no manifest afterwards, none was written in between.
  const claims = await listObjects(run, claimsPrefix(owner));
  const versions = (await listObjects(run, manifestsPrefix(owner))).map(({ key }) => versionOfKey(key));
  const gone = versions.filter((version) => isGoneForGood(state, version));
  await mapInParallel(gone, async (version) => {
    const name = `${owner.name}:${version}`;
    const bytes = await bytesNamed(context, owner, version);
    const evaluations = await listObjects(run, evaluationsPrefix(owner, version));
    const feedback = await listObjects(run, versionFeedbackPrefix(owner, version));
    const keys = [...[...evaluations, ...feedback].map(({ key }) => key), manifestKey(owner, version)];
    if (!dryRun) for (const key of keys) await context.store.delete(key);
    context.manifests.delete(manifestKey(owner, version));
    tell({ kind: "version", name, bytes });
  });
  const standing = new Set(versions);
  const isUnused = ({ key, modifiedMs }: ObjectDetails) =>
    isGoneForGood(state, versionOfKey(key)) || (!standing.has(versionOfKey(key)) && !isYoung(modifiedMs));
  await mapInParallel(claims.slice(1).filter(isUnused), async ({ key }) => {
    if (!dryRun) await context.store.delete(key);
    const version = versionOfKey(key);
    if (!isGoneForGood(state, version)) tell({ kind: "claim", name: `${owner.name}:${version}`, bytes: 0 });
  });
}

async function listObjects({ context }: Collecting, prefix: string): Promise<ObjectDetails[]> {
  const objects: ObjectDetails[] = [];
  for await (const page of objectPages(context.store, prefix)) objects.push(...page);
  return objects;
}

/** 0 of a manifest that cannot be read: it goes all the same. */
async function bytesNamed(context: RegistryContext, owner: AdapterOwner, version: number): Promise<number> {
  const found = await findVersion(context, owner, version).catch(() => undefined);
  return found?.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
}
