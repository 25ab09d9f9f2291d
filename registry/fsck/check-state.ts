// An adapter's state: aliases lead to manifests that are there and are the ones they were, the history
// has no gap, and the audit has what the log has.
import { z } from "zod";
import { type AdapterState, type AliasPointer, isGone, stateSchema } from "../adapter-state.ts";
import { writeAudit } from "../audit.ts";
import { type AdapterChange, adapterChangeSchema } from "../change.ts";
import { digestOf } from "../digest.ts";
import { auditKey, historySegmentKey, lastSegment, manifestKey } from "../layout.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import type { ObjectDetails } from "../object-store/object-store.ts";
import { detailsOf } from "../walk-store.ts";
import { type CheckContext, type Place, readChecked } from "./check-context.ts";

export async function checkState(
  context: CheckContext,
  { key, modifiedMs }: ObjectDetails,
  place: Place,
): Promise<void> {
  const state = await readChecked(context, key, stateSchema);
  if (!state) return;
  if (!state.deleted) {
    for (const pointer of state.aliases) await checkAlias(context, key, { place, state, pointer });
  }
  await checkLog(context, key, { place, state });
  // A change that was just made is still to be copied.
  const isDue = ({ sequence }: AdapterChange) =>
    sequence <= state.auditedThrough || !context.isYoung(modifiedMs);
  for (const entry of state.log.filter(isDue)) await checkAudited(context, key, { place, entry });
}

interface Aliased {
  readonly place: Place;
  readonly state: AdapterState;
  readonly pointer: AliasPointer;
}

async function checkAlias(
  { store, report }: CheckContext,
  key: string,
  { place, state, pointer }: Aliased,
): Promise<void> {
  const { alias, version, digest } = pointer;
  const stored = await store.get(manifestKey(place, version));
  const fault = !stored
    ? "has no manifest"
    : isGone(state, version)
      ? "is deleted"
      : digestOf(stored.bytes) === digest
        ? undefined
        : `has a manifest of another digest than ${digest}`;
  if (fault) await report("alias_broken", key, { detail: `${alias}: version ${version} ${fault}` });
}

async function checkLog(
  { store, report }: CheckContext,
  key: string,
  { place, state: { log } }: { place: Place; state: AdapterState },
): Promise<void> {
  const first = log[0]?.sequence ?? 1;
  const gap = log.findIndex(({ sequence }, index) => sequence !== first + index);
  if (gap !== -1) await report("history_gap", key, { detail: `after change ${first + gap - 1}` });
  for (let segment = 1; segment * HISTORY_SEGMENT_CHANGES < first; segment += 1) {
    const segmentKey = historySegmentKey(place, segment);
    if (!(await detailsOf(store, segmentKey)))
      await report("history_gap", segmentKey, { detail: "is missing" });
  }
}

/** A segment holds the changes of its number, all of them, in order. */
export async function checkSegment(context: CheckContext, { key }: ObjectDetails): Promise<void> {
  const changes = await readChecked(context, key, z.array(adapterChangeSchema));
  if (!changes) return;
  const segment = Number(lastSegment(key).replace(".json", ""));
  const first = (segment - 1) * HISTORY_SEGMENT_CHANGES + 1;
  const isWhole =
    changes.length === HISTORY_SEGMENT_CHANGES &&
    changes.every(({ sequence }, index) => sequence === first + index);
  if (!isWhole)
    await context.report("history_gap", key, { detail: `does not hold changes from ${first} on` });
}

/** The next change of the adapter would write what is missing; a check need not wait for one. */
async function checkAudited(
  { store, report }: CheckContext,
  key: string,
  { place, entry }: { place: Place; entry: AdapterChange },
): Promise<void> {
  if (await detailsOf(store, auditKey(place.tenant, entry))) return;
  const { sequence, ...rest } = entry;
  const repair = () => writeAudit({ store }, place.tenant, { ...rest, adapter: place.name });
  await report("audit_missing", key, { detail: `change ${sequence}`, repair });
}
