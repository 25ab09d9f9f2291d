// Moves an alias back to a version it pointed at before, or to one that is named. The version's
// manifest and files are read in full and compared with their digests first: the way back from one
// fault must not lead into another. A rollback goes on from where the last one ended: what an alias was
// rolled back from is not where the next rollback leads.
import { type AdapterState, type AliasPointer, findEarlier, withPointer } from "./adapter-state.ts";
import { changeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import { requirePromotion } from "./check-promotion.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { getVersion } from "./find-version.ts";
import { type AdapterOwner, manifestKey } from "./layout.ts";
import { decodeManifest } from "./manifest.ts";
import { readStoredFiles } from "./read-files.ts";
import {
  type AdapterName,
  type AliasMove,
  parseAlias,
  type RollbackRequest,
  type TenantId,
} from "./registry.ts";
import { requireRevision, revisionOfAlias } from "./revision.ts";
import { getPointer, requireAt } from "./set-alias.ts";
import { currentTrust, requireSigned } from "./signing/require-signed.ts";

/**
 * Throws adapter_not_found, alias_not_found, version_not_found, no_earlier_version, version_damaged,
 * signature_required, signature_invalid, alias_protected, promotion_refused, revision_changed, conflict.
 */
export async function rollback(
  context: RegistryContext,
  tenant: TenantId,
  { name, ...request }: { name: AdapterName } & RollbackRequest,
): Promise<AliasMove> {
  const owner = { tenant, name };
  const { actor, why, from, force } = request;
  const alias = parseAlias(request.alias);
  const verified = new Map<number, string>();
  let moved: AliasMove | undefined;
  const plan = async (state: AdapterState) => {
    const pointer = await getPointer(context, owner, { alias, state });
    requireRevision(revisionOfAlias(pointer), request.ifRevision);
    requireAt(pointer, { alias, from });
    const version = request.version ?? earlierVersion(state, pointer);
    await getVersion(context, owner, { version, state });
    moved = { alias, version, from: pointer.version };
    if (version === pointer.version) return undefined;
    await requirePromotion(context, owner, { ...request, pointer, version });
    const digest = verified.get(version) ?? (await verify(context, owner, { version, pointer }));
    verified.set(version, digest);
    await context.prepareSwitch(owner, version);
    const entry = { action: "rollback", ...moved, ...(force && { forced: true as const }) } as const;
    return { state: withPointer(state, movedBack(pointer, { version, digest })), entry };
  };
  const state = await changeAdapter(context, owner, { plan, ...changeOptions({ actor, why }) });
  if (!moved) throw new Error(`invariant: ${name}@${alias} moved without a plan, in ${state.log.length}`);
  return moved;
}

/** Throws no_earlier_version. */
function earlierVersion(state: AdapterState, pointer: AliasPointer): number {
  const earlier = findEarlier(state, pointer);
  if (earlier !== undefined) return earlier;
  throw new RegistryError(
    "no_earlier_version",
    `Alias ${pointer.alias} has pointed at no earlier version that is still there: name a version to move it to.`,
  );
}

function movedBack(
  pointer: AliasPointer,
  { version, digest }: { version: number; digest: string },
): AliasPointer {
  const index = pointer.trail.findIndex((entry) => entry.version === version);
  return { ...pointer, version, digest, trail: pointer.trail.slice(index + 1) };
}

/** From the store, past every cache. Throws version_damaged, signature_required, signature_invalid. */
async function verify(
  context: RegistryContext,
  owner: AdapterOwner,
  { version, pointer }: { version: number; pointer: AliasPointer },
): Promise<string> {
  try {
    const stored = await context.store.get(manifestKey(owner, version));
    if (!stored) throw new RegistryError("blob_not_found", "Its manifest is gone from the store.");
    const { name, tenant } = owner;
    const { manifest, digest } = decodeManifest(stored.bytes, { name, version });
    const remembered = pointer.trail.find((entry) => entry.version === version);
    if (remembered && remembered.digest !== digest) {
      throw new RegistryError("blob_corrupt", "Its manifest is not the one that the alias pointed at.");
    }
    const trust = await currentTrust(context, tenant);
    requireSigned(context, { tenant, adapter: { name, version, digest, manifest }, trust });
    await readStoredFiles(context, tenant, manifest);
    return digest;
  } catch (cause) {
    if (!(cause instanceof RegistryError) || !damages.has(cause.code)) throw cause;
    throw new RegistryError(
      "version_damaged",
      `Version ${version} of ${owner.name} cannot be rolled back to: ${cause.publicMessage} Name another version.`,
      cause,
    );
  }
}

const damages = new Set<RegistryError["code"]>(["blob_not_found", "blob_corrupt", "invalid_manifest"]);
