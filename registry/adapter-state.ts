// The state of one adapter: its aliases, what protects them, what was deleted, and the newest changes.
// One object, changed only by compare-and-swap (change-adapter.ts), so that a change, its entry in the
// history and what it must not contradict are seen together or not at all: no alias is moved to a
// version while that is deleted.
import { z } from "zod";
import { adapterChangeSchema, promotionRuleSchema, retentionSchema, shadowSchema } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { latestVersionSchema } from "./latest-version.ts";
import { type AdapterOwner, stateKey } from "./layout.ts";
import { digestSchema } from "./manifest.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { readRecordAgain, type StoredRecord } from "./records.ts";

const version = z.int().min(1);

const pointerSchema = z.strictObject({
  alias: z.string(),
  version,
  /** Of the version's manifest, as it was when the alias was moved there. */
  digest: digestSchema,
  /** The latest version that a publish has moved it to, or was held back from. */
  publishedThrough: z.int().min(0),
  /** Where a rollback goes: newest first, at most ROLLBACK_TRAIL_MAX. */
  trail: z.array(z.strictObject({ version, digest: digestSchema })),
  /** Without a rule only force moves the alias. */
  protection: z.strictObject({ rule: promotionRuleSchema.exactOptional() }).exactOptional(),
});

export const stateSchema = z.strictObject({
  // A list, not a map by name: "constructor" is a fair name for an alias.
  aliases: z.array(pointerSchema),
  /** Tombstones. At most DELETED_VERSIONS_MAX. */
  deletedVersions: z.array(z.strictObject({ version, at: z.iso.datetime() })),
  /**
   * The tombstone of the whole adapter; `through` is the newest number that was taken then. collected: it cannot be
   * restored any more, whatever the time.
   */
  deleted: z
    .strictObject({
      at: z.iso.datetime(),
      through: z.int().min(0),
      collected: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  /** Versions up to this are gone for good: collected, or of an adapter whose name was then used again. */
  goneThrough: z.int().min(0),
  /** Collected versions beyond: ranges from and through, ascending, with numbers between them. Absent: none. */
  gone: z.array(z.tuple([version, version])).exactOptional(),
  /** Absent: all versions stay. */
  retention: retentionSchema.exactOptional(),
  /** Absent: production is asked alone. */
  shadow: shadowSchema.exactOptional(),
  /** Entries of the log up to this sequence stand in the tenant's audit. */
  auditedThrough: z.int().min(0),
  /** For lists. Absent where no version is there, and in states written before lists read it. */
  latest: latestVersionSchema.exactOptional(),
  /** The newest changes, oldest first; those before them are in the history's segments. */
  log: z.array(adapterChangeSchema),
});

export type AdapterState = z.infer<typeof stateSchema>;
export type StateRecord = StoredRecord<AdapterState>;
export type AliasPointer = z.infer<typeof pointerSchema>;

/** Of an adapter that was never changed, or is not there. */
export const EMPTY_STATE: AdapterState = {
  aliases: [],
  deletedVersions: [],
  goneThrough: 0,
  auditedThrough: 0,
  log: [],
};

/**
 * At most ALIAS_STALE_MS_MAX old. A move that is seen beside requests is given out once its version is loaded
 * here, or when the state before it is too old.
 */
export async function readState(context: RegistryContext, owner: AdapterOwner): Promise<AdapterState> {
  const key = stateKey(owner);
  const load = async (known?: Promise<StateRecord | undefined>) =>
    readRecordAgain(context.store, { key, schema: stateSchema, known: await known });
  const prepare = ({ value: next }: StateRecord, { value: previous }: StateRecord) =>
    prepareMoved(context, owner, { next, previous });
  return (await context.states.read(key, load, prepare))?.value ?? EMPTY_STATE;
}

async function prepareMoved(
  context: RegistryContext,
  owner: AdapterOwner,
  { next, previous }: Record<"next" | "previous", AdapterState>,
): Promise<void> {
  const moved = next.aliases.filter(
    ({ alias, version }) => findPointer(previous, alias)?.version !== version,
  );
  await mapInParallel(moved, ({ version }) => context.prepareSwitch(owner, version));
}

export function findPointer({ aliases }: AdapterState, alias: string): AliasPointer | undefined {
  return aliases.find((pointer) => pointer.alias === alias);
}

/** Whether a version is deleted by itself; that the whole adapter is, is another question. */
export function isGone(state: AdapterState, version: number): boolean {
  return isGoneForGood(state, version) || state.deletedVersions.some((entry) => entry.version === version);
}

/** Nothing brings it back. */
export function isGoneForGood({ goneThrough, gone = [] }: AdapterState, version: number): boolean {
  return version <= goneThrough || gone.some(([from, through]) => from <= version && version <= through);
}

/** With versions that are gone for good from now on, and without their tombstones. */
export function withGone(state: AdapterState, versions: readonly number[]): AdapterState {
  const { gone = [], goneThrough: before, ...rest } = state;
  const added = versions.map((version): Range => [version, version]);
  let goneThrough = before;
  const ranges: Range[] = [];
  for (const [from, through] of [...gone, ...added].sort(([left], [right]) => left - right)) {
    const last = ranges.at(-1);
    if (from <= goneThrough + 1) goneThrough = Math.max(goneThrough, through);
    else if (last && from <= last[1] + 1) last[1] = Math.max(last[1], through);
    else ranges.push([from, through]);
  }
  const deletedVersions = state.deletedVersions.filter(({ version }) => !versions.includes(version));
  return { ...rest, deletedVersions, goneThrough, ...(ranges.length > 0 && { gone: ranges }) };
}

type Range = [from: number, through: number];

/** Where the next rollback of an alias leads: the newest of its trail that is there. */
export function findEarlier(
  state: AdapterState,
  { trail, version: current }: AliasPointer,
): number | undefined {
  return trail.find(({ version }) => version !== current && !isGone(state, version))?.version;
}

/** With a pointer put in its alias's place. */
export function withPointer(state: AdapterState, pointer: AliasPointer): AdapterState {
  return {
    ...state,
    aliases: [...state.aliases.filter(({ alias }) => alias !== pointer.alias), pointer],
  };
}
