// Is what the target has of an adapter a part of what the source has, or had? Then it may be overwritten. Where the
// target was written by others than mirrors it is not, and two histories cannot be made one.
import { z } from "zod";
import { EMPTY_STATE, isGone } from "../adapter-state.ts";
import { type AdapterChange, adapterChangeSchema } from "../change.ts";
import { type AdapterOwner, claimKey, historySegmentKey, manifestKey } from "../layout.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import { readRecord } from "../records.ts";
import { type Gap, segmentsOf } from "./find-gap.ts";
import { diverged, type MirrorContext } from "./mirror-context.ts";
import type { Pair } from "./side.ts";

const OTHER_VERSIONS =
  "A version never changes, not even with force: keep one of the two under another name, and remove the adapter's objects from the target with the store's own tools.";
const OTHER_CHANGES = "Mirror it with force to give up what was changed at the target.";
const OTHER_HISTORY =
  "Segments of a history are written once, force or not: remove the adapter's objects from the target with the store's own tools.";

/** By what was listed. Throws mirror_diverged. */
export function requireKnownVersions(owner: AdapterOwner, { source, target }: Pair): void {
  const state = source.state?.value ?? EMPTY_STATE;
  for (const [version, bytes] of target.versions) {
    const expected = source.versions.get(version);
    if (expected === bytes || (expected === undefined && isGone(state, version))) continue;
    if (expected !== undefined) throw otherVersion(owner, version);
    const problem = `the target has version ${version}, which the source has not`;
    throw diverged(owner, { problem, remedy: OTHER_VERSIONS });
  }
}

/** Before anything is written. Throws mirror_diverged. */
export async function requireAncestor(
  context: MirrorContext,
  owner: AdapterOwner,
  { gap, ...pair }: Pair & { gap: Gap },
): Promise<void> {
  const { source, target } = pair;
  await requireSame(context, owner, { ...pair, gap });
  const last = target.state?.value.log.at(-1);
  if (!gap.isStateOther || !last || (await isInHistory(context, owner, { last, source }))) return;
  if (context.force && source.state) return requireSameSegments(context, owner, pair);
  const problem = `the target's last change, number ${last.sequence}, is not in the source's history`;
  throw diverged(owner, { problem, remedy: source.state ? OTHER_CHANGES : OTHER_HISTORY });
}

/**
 * Manifests that the target's own state does not vouch for, and claims. A publish at the target takes a number above
 * all that were mirrored, and where it died has left no trace in the state. With force the state vouches for none.
 */
async function requireSame(
  context: MirrorContext,
  owner: AdapterOwner,
  { source, target, gap }: Pair & { gap: Gap },
): Promise<void> {
  const isVouching = !context.force || !gap.isStateOther;
  const vouchedThrough = isVouching ? (target.state?.value.latest?.version ?? 0) : 0;
  const published = [...target.versions.keys()].filter(
    (version) => version > vouchedThrough && source.versions.has(version),
  );
  const claimed = gap.versions.filter((version) => target.claims.has(version));
  await mapInParallel(published, async (version) => {
    if (!(await isSameObject(context, manifestKey(owner, version)))) throw otherVersion(owner, version);
  });
  await mapInParallel(claimed, async (version) => {
    if (!(await isSameObject(context, claimKey(owner, version)))) throw otherPublish(owner, version);
  });
}

async function isInHistory(
  { source: store }: MirrorContext,
  owner: AdapterOwner,
  { last, source }: { last: AdapterChange; source: Pair["source"] },
): Promise<boolean> {
  const log = source.state?.value.log ?? [];
  const isInLog = last.sequence >= (log[0]?.sequence ?? 0);
  const key = historySegmentKey(owner, Math.ceil(last.sequence / HISTORY_SEGMENT_CHANGES));
  const part = isInLog ? log : (await readRecord(store, key, z.array(adapterChangeSchema)))?.value;
  return part?.some(({ sequence, id }) => sequence === last.sequence && id === last.id) ?? false;
}

async function requireSameSegments(
  context: MirrorContext,
  owner: AdapterOwner,
  { source, target }: Pair,
): Promise<void> {
  const needed = new Set(segmentsOf(source.state?.value ?? EMPTY_STATE));
  for (const segment of target.segments) {
    if (needed.has(segment) && (await isSameObject(context, historySegmentKey(owner, segment)))) continue;
    const problem = `segment ${segment} of its history at the target is another`;
    throw diverged(owner, { problem, remedy: OTHER_HISTORY });
  }
}

async function isSameObject({ source, target, turns }: MirrorContext, key: string): Promise<boolean> {
  const [ours, theirs] = await turns.run(1, () => Promise.all([source.get(key), target.get(key)]));
  return ours !== undefined && theirs !== undefined && Buffer.compare(ours.bytes, theirs.bytes) === 0;
}

/** Of a number. */
export function otherPublish(owner: AdapterOwner, version: number) {
  return diverged(owner, {
    problem: `its number ${version} was taken at the target by another publish`,
    remedy: "Publish at one of the two stores alone, or under other names.",
  });
}

function otherVersion(owner: AdapterOwner, version: number) {
  const problem = `version ${version} is another one at the target`;
  return diverged(owner, { problem, remedy: OTHER_VERSIONS });
}
