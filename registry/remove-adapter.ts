// Soft deletion of an adapter: a tombstone in its state, so that it is seen with, or against, every
// other change. From then on the adapter is answered like one that never was. It can be restored for
// the registry's window; until its end nothing is published under the name, afterwards its numbers go
// on where they ended, and its old versions stay gone.
import { type AdapterState, EMPTY_STATE, readState } from "./adapter-state.ts";
import type { ChangeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import { type ForceOptions, requireReason } from "./check-promotion.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getLatestVersion } from "./find-version.ts";
import { type AdapterOwner, claimsPrefix, versionOfKey } from "./layout.ts";
import { release, reserve } from "./usage.ts";

/** Throws adapter_not_found, alias_protected, conflict. */
export async function deleteAdapter(
  context: RegistryContext,
  owner: AdapterOwner,
  options: ChangeOptions & ForceOptions = {},
): Promise<{ restorableUntil: string }> {
  const { force, ...rest } = options;
  let deletedAt = context.now().toISOString();
  const plan = async (state: AdapterState, at: string) => {
    await getLatestVersion(context, owner, state);
    const guarded = state.aliases.find(({ protection }) => protection !== undefined);
    if (guarded) requireReason(`Adapter ${owner.name} has the alias ${guarded.alias}, which`, options);
    const { keys } = await context.store.list({ prefix: claimsPrefix(owner), limit: 1 });
    const through = keys[0] === undefined ? 0 : versionOfKey(keys[0]);
    deletedAt = at;
    const entry = { action: "delete_adapter", ...(force && { forced: true as const }) } as const;
    return { state: { ...state, deleted: { at, through } }, entry };
  };
  await changeAdapter(context, owner, { plan, ...rest });
  await release(context, owner.tenant, { adapters: 1 });
  return { restorableUntil: restorableUntil(context, deletedAt) };
}

/** With its aliases as they were. Of one that is not deleted, nothing to do. Throws adapter_not_found, quota_exceeded. */
export async function restoreAdapter(
  context: RegistryContext,
  owner: AdapterOwner,
  options: ChangeOptions = {},
): Promise<void> {
  let isBack = false;
  const plan = async (state: AdapterState) => {
    const { deleted, ...live } = state;
    isBack = deleted !== undefined && isAdapterRestorable(context, deleted);
    if (isBack) {
      return { state: live, entry: { action: "restore_adapter" } as const };
    }
    await getLatestVersion(context, owner, state);
    return undefined;
  };
  await reserve(context, owner.tenant, { adapters: 1 });
  try {
    await changeAdapter(context, owner, { plan, ...options });
  } finally {
    // Where it was not deleted, or another has restored it, it counts already.
    if (!isBack) await release(context, owner.tenant, { adapters: 1 });
  }
}

/** Whether a training under this name could be published: the state to publish into. Throws adapter_deleted. */
export async function requirePublishable(
  context: RegistryContext,
  owner: AdapterOwner,
): Promise<AdapterState> {
  return reviveExpired(context, owner, await readState(context, owner));
}

/** The state to publish into: after the window a name begins anew. Throws adapter_deleted within it. */
export function reviveExpired(
  context: RegistryContext,
  { name }: AdapterOwner,
  state: AdapterState,
): AdapterState {
  const { deleted, log, auditedThrough } = state;
  if (!deleted) return state;
  if (!isAdapterRestorable(context, deleted)) {
    return { ...EMPTY_STATE, log, auditedThrough, goneThrough: deleted.through };
  }
  throw new RegistryError(
    "adapter_deleted",
    `Adapter ${name} was deleted on ${deleted.at} and can be restored until ${restorableUntil(context, deleted.at)}: restore it first, or use another name.`,
  );
}

/** Whatever the clocks say: not once a collector has begun to remove it. */
export function isAdapterRestorable(
  context: Pick<RegistryContext, "now" | "restoreMs">,
  { at, collected }: NonNullable<AdapterState["deleted"]>,
): boolean {
  return collected === undefined && isRestorable(context, at);
}

export function isRestorable(
  { now, restoreMs }: Pick<RegistryContext, "now" | "restoreMs">,
  deletedAt: string,
): boolean {
  return now().getTime() < Date.parse(deletedAt) + restoreMs;
}

export function restorableUntil({ restoreMs }: RegistryContext, deletedAt: string): string {
  return new Date(Date.parse(deletedAt) + restoreMs).toISOString();
}
