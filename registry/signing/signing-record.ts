// What a tenant's versions are signed with, and whether they must be: one record of the tenant, changed by
// compare-and-swap. An operator's doing. Its entry in the audit is written first, as of all that has no state.
import { z } from "zod";
import { writeAudit } from "../audit.ts";
import { type Actor, type AuditEntry, createStamp } from "../change.ts";
import { createNonce, type RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import { signingRecordKey } from "../layout.ts";
import { KEY_DESCRIPTION_LENGTH_MAX, SIGNING_KEYS_PER_TENANT_MAX, SWAP_ATTEMPTS_MAX } from "../limits.ts";
import { encodeRecord, putIf, readRecord } from "../records.ts";
import type { TenantId } from "../registry.ts";
import { parsePublicKey, SIGNING_KEY_ID } from "./signing-key.ts";

const keySchema = z.strictObject({
  id: z.string().regex(SIGNING_KEY_ID),
  /** For people. */
  name: z.string(),
  /** SubjectPublicKeyInfo, in base64. */
  publicKey: z.string(),
  addedAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().exactOptional(),
});

const settingsSchema = z.strictObject({
  required: z.boolean(),
  /** In the order in which they were added. At most SIGNING_KEYS_PER_TENANT_MAX. */
  keys: z.array(keySchema),
});

export const signingSchema = settingsSchema.extend({
  /** Of the writer: two that write the same write different bytes. */
  nonce: z.string(),
});

export type SigningKey = z.infer<typeof keySchema>;
export type SigningSettings = z.infer<typeof settingsSchema>;

const NONE: SigningSettings = { required: false, keys: [] };

/** As the store has it now. */
export async function readSigning(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
): Promise<SigningSettings> {
  const found = await readRecord(store, signingRecordKey(tenant), signingSchema);
  if (!found) return NONE;
  const { required, keys } = found.value;
  return { required, keys };
}

/** One that was revoked is valid again. Throws invalid_signing_key, limit_exceeded, conflict. */
export async function addSigningKey(
  context: RegistryContext,
  tenant: TenantId,
  { name, actor, ...given }: { publicKey: string; name: string; actor?: Actor },
): Promise<SigningKey> {
  if (name.length > KEY_DESCRIPTION_LENGTH_MAX) {
    const message = `The key's name is longer than ${KEY_DESCRIPTION_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  const { id, publicKey } = parsePublicKey(given.publicKey);
  const change = (before: SigningSettings, addedAt: string) => {
    const others = before.keys.filter((key) => key.id !== id);
    const known = before.keys.find((key) => key.id === id);
    if (known && known.revokedAt === undefined) return undefined;
    return { ...before, keys: [...withRoom(others), { id, name, publicKey, addedAt }] };
  };
  const entry = { action: "add_signing_key", keyId: id } as const;
  return keyOf(await changeSigning(context, tenant, { change, entry, ...(actor && { actor }) }), id);
}

/** Twice is once. Throws invalid_key when there is none of this id, conflict. */
export async function revokeSigningKey(
  context: RegistryContext,
  tenant: TenantId,
  { id, actor }: { id: string; actor?: Actor },
): Promise<SigningKey> {
  const change = (before: SigningSettings, revokedAt: string) => {
    if (keyOf(before, id).revokedAt !== undefined) return undefined;
    const keys = before.keys.map((key) => (key.id === id ? { ...key, revokedAt } : key));
    return { ...before, keys };
  };
  const entry = { action: "revoke_signing_key", keyId: id } as const;
  return keyOf(await changeSigning(context, tenant, { change, entry, ...(actor && { actor }) }), id);
}

/** Throws conflict, also while no key is valid: then nothing could be published, and nothing answered. */
export function requireSignatures(
  context: RegistryContext,
  tenant: TenantId,
  { required, actor }: { required: boolean; actor?: Actor },
): Promise<SigningSettings> {
  const change = (before: SigningSettings) => {
    if (before.required === required) return undefined;
    if (required && before.keys.every(({ revokedAt }) => revokedAt !== undefined)) {
      throw new RegistryError("conflict", "The tenant has no key that is valid: add one that signs first.");
    }
    return { ...before, required };
  };
  const entry = { action: "require_signatures", required } as const;
  return changeSigning(context, tenant, { change, entry, ...(actor && { actor }) });
}

interface SigningChange {
  /** Undefined where there is nothing to do. May be asked again. */
  readonly change: (before: SigningSettings, at: string) => SigningSettings | undefined;
  readonly entry: Pick<AuditEntry, "action" | "keyId" | "required">;
  readonly actor?: Actor;
}

async function changeSigning(
  context: RegistryContext,
  tenant: TenantId,
  { change, entry, actor }: SigningChange,
): Promise<SigningSettings> {
  const key = signingRecordKey(tenant);
  const stamp = createStamp(context, actor ? { actor } : {});
  try {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
      const current = await readRecord(context.store, key, signingSchema);
      const before = current ? { required: current.value.required, keys: current.value.keys } : NONE;
      const after = change(before, stamp.at);
      if (!after) return before;
      await context.ensureLayout();
      await writeAudit(context, tenant, { ...stamp, ...entry });
      const bytes = encodeRecord({ ...after, nonce: createNonce(context) });
      const condition = current ? { ifMatch: current.etag } : ({ ifNoneMatch: "*" } as const);
      if (await putIf(context.store, key, { bytes, condition })) return after;
    }
  } finally {
    context.signing.forget(key);
  }
  throw new RegistryError("conflict", "Others change the tenant's signing keys: do it again.");
}

/** Those revoked first make room. Throws limit_exceeded. */
function withRoom(keys: readonly SigningKey[]): SigningKey[] {
  if (keys.length < SIGNING_KEYS_PER_TENANT_MAX) return [...keys];
  const revoked = keys.filter(({ revokedAt }) => revokedAt !== undefined);
  const [oldest] = revoked.sort((one, other) => ((one.revokedAt ?? "") < (other.revokedAt ?? "") ? -1 : 1));
  if (oldest) return keys.filter((key) => key !== oldest);
  const message = `A tenant has at most ${SIGNING_KEYS_PER_TENANT_MAX} signing keys: revoke one that is not used.`;
  throw new RegistryError("limit_exceeded", message);
}

/** Throws invalid_key. */
function keyOf({ keys }: SigningSettings, id: string): SigningKey {
  const key = keys.find((entry) => entry.id === id);
  if (key) return key;
  throw new RegistryError(
    "invalid_key",
    "The tenant has no signing key of this id. List them for their ids.",
  );
}
