// Whether a tenant has room for another version, or another name. Versions are counted in the store itself,
// so of publishes of one adapter at once each may see room for its own: past the limit by at most the number
// that is under way. Adapters and bytes are reserved (usage.ts), and do not go past theirs.
import { type AdapterState, EMPTY_STATE, isGone, stateSchema } from "./adapter-state.ts";
import type { RegistryContext } from "./context.ts";
import { type AdapterOwner, claimsPrefix, manifestsPrefix, stateKey, versionOfKey } from "./layout.ts";
import { listPages } from "./list-all.ts";
import { readRecord } from "./records.ts";
import type { TenantId, Usage } from "./registry.ts";
import { readTenantLimits, requireWithin } from "./tenant-limits.ts";
import { peekUsage, readUsage, release, reserve } from "./usage.ts";

/** What a publish would be refused for, before a training; writes nothing. Throws quota_exceeded. */
export async function requireRoom(context: RegistryContext, owner: AdapterOwner): Promise<void> {
  await requireRoomForVersion(context, owner);
  const limits = await readTenantLimits(context, owner.tenant);
  const used = await peekUsage(context, owner.tenant);
  const adapters = (await isNewName(context, owner)) ? 1 : 0;
  requireWithin("adapters", { limit: limits.adapters, used: used.adapters, more: adapters });
  requireWithin("bytes", { limit: limits.bytes, used: used.bytes, more: 1 });
}

export async function getUsage(context: RegistryContext, tenant: TenantId): Promise<Usage> {
  const { adapters, versionsPerAdapter, bytes, ...rates } = await readTenantLimits(context, tenant);
  const used = await readUsage(context, tenant);
  return {
    adapters: { used: used.adapters, limit: adapters },
    versionsPerAdapter: { limit: versionsPerAdapter },
    bytes: { used: used.bytes, limit: bytes },
    ...Object.fromEntries(Object.entries(rates).map(([rate, limit]) => [rate, { limit }])),
  };
}

/** Deleted versions do not count. Throws quota_exceeded. */
export async function requireRoomForVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  given?: AdapterState,
): Promise<void> {
  const { versionsPerAdapter: limit } = await readTenantLimits(context, owner.tenant);
  const state = given ?? (await readStored(context, owner)) ?? EMPTY_STATE;
  const newest = await context.store.list({ prefix: claimsPrefix(owner), limit: 1 });
  const taken = newest.keys[0] === undefined ? 0 : versionOfKey(newest.keys[0]);
  // No more versions than numbers: mostly there is nothing to count.
  if (taken - state.goneThrough < limit) return;
  let used = 0;
  for await (const { keys } of listPages(context.store, { prefix: manifestsPrefix(owner) })) {
    used += keys.filter((key) => !isGone(state, versionOfKey(key))).length;
    if (used >= limit) break;
  }
  requireWithin("versionsPerAdapter", { limit, used, more: 1 });
}

/** With room for the name, where it is a new one; given back where the work fails. Throws quota_exceeded. */
export async function withRoomForName<Result>(
  context: RegistryContext,
  owner: AdapterOwner,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!(await isNewName(context, owner))) return work();
  await reserve(context, owner.tenant, { adapters: 1 });
  try {
    return await work();
  } catch (error) {
    // A manifest whose write seemed to fail may stand: then the name is no longer new.
    const isAbsent = await isNewName(context, owner).catch(() => false);
    if (isAbsent) await release(context, owner.tenant, { adapters: 1 });
    throw error;
  }
}

/** Of two that publish a name first at once both may find it new: it counts twice until a recount. */
async function isNewName(context: RegistryContext, owner: AdapterOwner): Promise<boolean> {
  const state = await readStored(context, owner);
  if (state) return state.deleted !== undefined;
  const { keys } = await context.store.list({ prefix: manifestsPrefix(owner), limit: 1 });
  return keys.length === 0;
}

async function readStored(
  { store }: RegistryContext,
  owner: AdapterOwner,
): Promise<AdapterState | undefined> {
  return (await readRecord(store, stateKey(owner), stateSchema))?.value;
}
