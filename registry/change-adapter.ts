// The one way to change an adapter's state: compare-and-swap, with an entry in its log by the same
// write, so that no change is without its entry and none has two. An entry's id is the writer's nonce:
// a change whose reply was lost is found by it, and is not made again.
//
// The log holds the newest changes. Before the swap that would make it too long, its older half is
// written as a segment of the history, once: what has been in the log never changes, so it does not
// matter who writes it. Each entry is also put into the tenant's audit, after the swap; should that
// fail, the next change does it first.
import { type AdapterState, EMPTY_STATE, stateSchema } from "./adapter-state.ts";
import { writeAudit } from "./audit.ts";
import { type AdapterChange, type ChangeOptions, createStamp } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { describeVersion } from "./describe-version.ts";
import { RegistryError } from "./errors.ts";
import { findLatestVersion } from "./find-version.ts";
import { type AdapterOwner, historySegmentKey, stateKey } from "./layout.ts";
import {
  CHANGES_PER_ADAPTER_MAX,
  HISTORY_SEGMENT_CHANGES,
  STATE_BYTES_MAX,
  SWAP_ATTEMPTS_MAX,
} from "./limits.ts";
import type { PutCondition } from "./object-store/object-store.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";

export interface PlannedChange {
  readonly state: AdapterState;
  /** `why` only where the change has a reason of its own. */
  readonly entry: Omit<AdapterChange, "sequence" | "id" | "at" | "by" | "requestId">;
}

/** From the state as it is to what it shall be; undefined when there is nothing to do. May be asked again. */
export type Plan = (state: AdapterState, at: string) => Promise<PlannedChange | undefined>;

/** The state with the change in effect. Throws what the plan throws, conflict, limit_exceeded. */
export async function changeAdapter(
  context: RegistryContext,
  owner: AdapterOwner,
  { plan, ...options }: ChangeOptions & { plan: Plan },
): Promise<AdapterState> {
  const key = stateKey(owner);
  const stamp = createStamp(context, options);
  try {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
      const current = await readRecord(context.store, key, stateSchema);
      const before = current?.value ?? EMPTY_STATE;
      if (before.log.some(({ id }) => id === stamp.id)) return before;
      const planned = await plan(before, stamp.at);
      if (!planned) return before;
      await context.ensureLayout();
      const entry = { ...stamp, ...planned.entry, sequence: nextSequence(owner, before) };
      const { log, auditedThrough } = await makeRoom(context, owner, before);
      const state = await withLatest(context, owner, planned.state);
      const after = { ...state, auditedThrough, log: [...log, entry] };
      const condition = current ? { ifMatch: current.etag } : ({ ifNoneMatch: "*" } as const);
      if (!(await swap(context, key, { bytes: encodeState(owner, after), entry, condition }))) continue;
      // The change is made and in the log: the next one writes this entry where we cannot.
      await writeEntry(context, owner, entry).catch(() => undefined);
      return after;
    }
  } finally {
    context.states.forget(key);
  }
  throw new RegistryError("conflict", `Too many change ${owner.name} at once: do it again.`);
}

/** Whether the change stands. Where the reply was lost and others have changed the state since, its log tells. */
async function swap(
  { store }: RegistryContext,
  key: string,
  write: { bytes: Uint8Array; entry: AdapterChange; condition: PutCondition },
): Promise<boolean> {
  const { bytes, entry, condition } = write;
  try {
    return await putIf(store, key, { bytes, condition });
  } catch (error) {
    const standing = await readRecord(store, key, stateSchema).catch(() => undefined);
    if (standing?.value.log.some(({ id }) => id === entry.id)) return true;
    throw error;
  }
}

/**
 * What lists say of the newest version. A version is listed here from its publish's own change on: whatever
 * moves an alias to it, or past it, has seen its manifest, and so lists it or a newer one.
 */
async function withLatest(
  context: RegistryContext,
  owner: AdapterOwner,
  { latest: _, ...state }: AdapterState,
): Promise<AdapterState> {
  const version = await findLatestVersion(context, owner, state);
  const latest = version === undefined ? undefined : await describeVersion(context, owner, version);
  return { ...state, ...(latest && { latest }) };
}

/** Throws limit_exceeded. */
function encodeState({ name }: AdapterOwner, state: AdapterState): Uint8Array {
  const bytes = encodeRecord(state);
  if (bytes.byteLength <= STATE_BYTES_MAX) return bytes;
  const message = `The state of ${name} would have ${bytes.byteLength} bytes, at most ${STATE_BYTES_MAX}: give shorter reasons.`;
  throw new RegistryError("limit_exceeded", message);
}

/** Throws limit_exceeded. */
function nextSequence({ name }: AdapterOwner, { log }: AdapterState): number {
  const sequence = (log.at(-1)?.sequence ?? 0) + 1;
  if (sequence <= CHANGES_PER_ADAPTER_MAX) return sequence;
  const message = `Adapter ${name} was changed ${CHANGES_PER_ADAPTER_MAX} times, the limit: use another name.`;
  throw new RegistryError("limit_exceeded", message);
}

/** Segments and audit of what the log held before this change. */
async function makeRoom(
  context: RegistryContext,
  owner: AdapterOwner,
  { log, auditedThrough }: AdapterState,
): Promise<Pick<AdapterState, "log" | "auditedThrough">> {
  for (const entry of log) {
    if (entry.sequence > auditedThrough) await writeEntry(context, owner, entry);
  }
  const last = { auditedThrough: log.at(-1)?.sequence ?? 0 };
  if (log.length < 2 * HISTORY_SEGMENT_CHANGES) return { ...last, log };
  const oldest = log.slice(0, HISTORY_SEGMENT_CHANGES);
  const segment = Math.ceil((oldest[0]?.sequence ?? 0) / HISTORY_SEGMENT_CHANGES);
  const bytes = encodeRecord(oldest);
  // Refused when another has written it: the same entries.
  await putIf(context.store, historySegmentKey(owner, segment), { bytes, condition: { ifNoneMatch: "*" } });
  return { ...last, log: log.slice(HISTORY_SEGMENT_CHANGES) };
}

function writeEntry(
  context: RegistryContext,
  { tenant, name }: AdapterOwner,
  { sequence: _, ...entry }: AdapterChange,
): Promise<void> {
  return writeAudit(context, tenant, { ...entry, adapter: name });
}
