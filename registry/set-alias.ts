// Points an alias at a version that exists. What an alias pointed at before is kept on its trail, for
// rollback.ts.
import {
  type AdapterState,
  type AliasPointer,
  findPointer,
  isGone,
  readState,
  withPointer,
} from "./adapter-state.ts";
import { changeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import { requirePromotion } from "./check-promotion.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getLatestVersion, getVersion } from "./find-version.ts";
import { ALIASES_PER_ADAPTER_MAX, ROLLBACK_TRAIL_MAX } from "./limits.ts";
import {
  type AdapterName,
  type AliasMove,
  type MoveAliasRequest,
  parseAlias,
  type TenantId,
} from "./registry.ts";
import { requireRevision, revisionOfAlias } from "./revision.ts";
import { currentTrust, requireSigned } from "./signing/require-signed.ts";

/**
 * Throws adapter_not_found, version_not_found, alias_protected, promotion_refused, signature_required,
 * signature_invalid, revision_changed, conflict, limit_exceeded.
 */
export async function setAlias(
  context: RegistryContext,
  tenant: TenantId,
  { name, ...move }: { name: AdapterName } & MoveAliasRequest,
): Promise<AliasMove> {
  const owner = { tenant, name };
  const { version, force, why, from, actor } = move;
  const alias = parseAlias(move.alias);
  const isForced = force === true;
  let moved: AliasMove = { alias, version };
  const plan = async (state: AdapterState) => {
    const adapter = await getVersion(context, owner, { version, state });
    const { digest } = adapter;
    const pointer = findPointer(state, alias);
    requireRevision(pointer && revisionOfAlias(pointer), move.ifRevision);
    requireAt(pointer, { alias, from });
    moved = { alias, version, ...(pointer && { from: pointer.version }) };
    if (pointer?.version === version) return undefined;
    requireSigned(context, { tenant, adapter, trust: await currentTrust(context, tenant) });
    await requirePromotion(context, owner, { ...move, pointer, version });
    const entry = { action: "move_alias", ...moved, ...(isForced && { forced: true as const }) } as const;
    return { state: movePointer(state, { alias, version, digest }), entry };
  };
  await context.prepareSwitch(owner, version);
  await changeAdapter(context, owner, { plan, ...changeOptions({ actor, why }) });
  return moved;
}

/** Where the caller has said what the alias points at, it must. Throws conflict. */
export function requireAt(
  pointer: AliasPointer | undefined,
  { alias, from }: { alias: string; from: number | undefined },
): void {
  if (from === undefined || pointer?.version === from) return;
  const now = pointer ? `points at version ${pointer.version}, not ${from}` : "does not exist";
  throw new RegistryError(
    "conflict",
    `Alias ${alias} ${now}: others moved it. Look at its history, then move it.`,
  );
}

/** The state with the alias at another version. Throws limit_exceeded. */
export function movePointer(
  state: AdapterState,
  {
    alias,
    version,
    digest,
    publishedThrough = 0,
  }: Omit<AliasPointer, "trail" | "publishedThrough"> & {
    publishedThrough?: number;
  },
): AdapterState {
  const pointer = findPointer(state, alias);
  if (!pointer && state.aliases.length >= ALIASES_PER_ADAPTER_MAX) {
    const message = `An adapter has at most ${ALIASES_PER_ADAPTER_MAX} aliases: move one that there is.`;
    throw new RegistryError("limit_exceeded", message);
  }
  const behind = pointer ? [{ version: pointer.version, digest: pointer.digest }, ...pointer.trail] : [];
  return withPointer(state, {
    ...pointer,
    ...{ alias, version, digest },
    publishedThrough: Math.max(publishedThrough, pointer?.publishedThrough ?? 0),
    trail: behind.slice(0, ROLLBACK_TRAIL_MAX),
  });
}

/** Throws adapter_not_found, alias_not_found with those that there are. */
export async function getPointer(
  context: RegistryContext,
  owner: { tenant: TenantId; name: AdapterName },
  { alias, ...given }: { alias: string; state?: AdapterState },
): Promise<AliasPointer> {
  const state = given.state ?? (await readState(context, owner));
  const pointer = state.deleted ? undefined : findPointer(state, alias);
  if (pointer && !isGone(state, pointer.version)) return pointer;
  const latest = await getLatestVersion(context, owner, state);
  const known = state.aliases.map((entry) => entry.alias).join(", ") || "none";
  throw new RegistryError(
    "alias_not_found",
    `Adapter ${owner.name} has no alias ${alias} (it has: ${known}). Set it, or name a version, such as ${owner.name}:${latest}.`,
  );
}
