// Another secret in place of a key's: the new key is made first, then the old one is given its end. A crash between
// leaves the old one as it was, and a new one that nobody has the secret of.
import { writeAudit } from "./audit.ts";
import { type Actor, createStamp } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { hasEnded, type KeyRecord } from "./key-record.ts";
import { changeKey, drawSecret, writeNewKey } from "./keys.ts";
import { KEY_OVERLAP_MS_DEFAULT, KEY_OVERLAP_MS_MAX } from "./limits.ts";
import type { CreatedKey, TenantId } from "./registry.ts";

export interface RotateKeyOptions {
  /** Another tenant's key is then as missing as one that never was. */
  readonly tenant?: TenantId;
  /** The old key stays valid for so long, unless it expires before. Default KEY_OVERLAP_MS_DEFAULT. */
  readonly overlapMs?: number;
  readonly actor?: Actor;
}

export interface RotatedKey extends CreatedKey {
  /** The old key, with its end. */
  readonly previous: KeyRecord;
}

/**
 * With the old key's description and scopes, and as long a life from now as that one had. Throws invalid_key, and
 * conflict for a key that ended or was rotated before.
 */
export async function rotateKey(
  context: RegistryContext,
  id: string,
  { tenant, overlapMs = KEY_OVERLAP_MS_DEFAULT, actor }: RotateKeyOptions = {},
): Promise<RotatedKey> {
  if (!(overlapMs >= 0 && overlapMs <= KEY_OVERLAP_MS_MAX)) {
    throw new RegistryError("limit_exceeded", "Both keys are valid together for at most 30 days.");
  }
  const wanted = { id, ...(tenant && { tenant }) };
  const old = await changeKey(context, wanted, async () => undefined);
  requireRotatable(context, old);
  const { secret, digest, id: newId } = drawSecret(context);
  const stamp = createStamp(context, actor ? { actor } : {});
  const record = successorOf(old, { id: newId, now: context.now() });
  await writeAudit(context, old.tenant, { ...stamp, action: "rotate_key", keyId: id, newKeyId: newId });
  await writeNewKey(context, digest, record);
  const endMs = Math.min(
    context.now().getTime() + overlapMs,
    old.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(old.expiresAt),
  );
  try {
    const previous = await changeKey(context, wanted, async (current) => {
      requireRotatable(context, current);
      return { ...current, expiresAt: new Date(endMs).toISOString(), rotatedTo: newId };
    });
    return { record, secret, previous };
  } catch (error) {
    // Its secret is given to nobody.
    await changeKey(context, { id: newId }, async (key) => ({ ...key, revokedAt: stamp.at }));
    throw error;
  }
}

function requireRotatable({ now }: RegistryContext, key: KeyRecord): void {
  if (key.rotatedTo !== undefined) {
    throw new RegistryError("conflict", `This key was rotated before: its successor is ${key.rotatedTo}.`);
  }
  if (!hasEnded(key, now())) return;
  throw new RegistryError("conflict", "This key is revoked or expired: create another.");
}

function successorOf(old: KeyRecord, { id, now }: { id: string; now: Date }): KeyRecord {
  const { tenant, description, scopes, createdAt, expiresAt } = old;
  const lifeMs = expiresAt === undefined ? undefined : Date.parse(expiresAt) - Date.parse(createdAt);
  return {
    ...{ id, tenant, description, scopes, createdAt: now.toISOString() },
    ...(lifeMs !== undefined && { expiresAt: new Date(now.getTime() + lifeMs).toISOString() }),
  };
}
