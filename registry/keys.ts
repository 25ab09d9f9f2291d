// API keys: which tenant a secret speaks for. Stored under the secret's sha256; the secret is not.
// A key's id is the beginning of that hash, so that a key is found by either.
import { z } from "zod";
import { writeAudit } from "./audit.ts";
import { type Actor, createStamp } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { formatSecret, isSecret, SECRET_RANDOM_BYTES, secretDigestOf } from "./key-secret.ts";
import { keyRecordKey, keysPrefix } from "./layout.ts";
import { KEY_DESCRIPTION_LENGTH_MAX, SWAP_ATTEMPTS_MAX } from "./limits.ts";
import { listAll } from "./list-all.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import { type KeyRecord, parseTenantId, type TenantId } from "./registry.ts";

const ID_DIGITS = 20;
const KEY_ID = /^key_([0-9a-f]{20})$/;

export const keySchema = z.strictObject({
  id: z.string().regex(KEY_ID),
  tenant: z.string().transform(parseTenantId),
  description: z.string(),
  createdAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().exactOptional(),
});

/** Throws limit_exceeded. */
export async function createKey(
  context: RegistryContext,
  tenant: TenantId,
  { description, actor }: { description: string; actor?: Actor },
): Promise<{ record: KeyRecord; secret: string }> {
  if (description.length > KEY_DESCRIPTION_LENGTH_MAX) {
    const message = `The description is longer than ${KEY_DESCRIPTION_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  await context.ensureLayout();
  const secret = formatSecret(context.randomBytes(SECRET_RANDOM_BYTES));
  const digest = secretDigestOf(secret);
  const id = `key_${digest.slice(0, ID_DIGITS)}`;
  const stamp = createStamp(context, actor ? { actor } : {});
  const record = { id, tenant: parseTenantId(tenant), description, createdAt: stamp.at };
  await writeAudit(context, tenant, { ...stamp, action: "create_key", keyId: id });
  const bytes = encodeRecord(record);
  if (await putIf(context.store, keyRecordKey(digest), { bytes, condition: { ifNoneMatch: "*" } })) {
    return { record, secret };
  }
  throw new Error(`invariant: the secret of ${id} was drawn twice`);
}

/** Every tenant's, or one's; by creation. */
export async function listKeys(context: RegistryContext, tenant?: TenantId): Promise<KeyRecord[]> {
  const { keys } = await listAll(context.store, { prefix: keysPrefix });
  const records = await mapInParallel(keys, async (key) => (await readKey(context, key))?.value);
  return records
    .filter((record) => record !== undefined)
    .filter((record) => tenant === undefined || record.tenant === tenant)
    .sort((left, right) => (`${left.createdAt} ${left.id}` < `${right.createdAt} ${right.id}` ? -1 : 1));
}

/** Revoking twice is revoking once. Throws invalid_key. */
export async function revokeKey(context: RegistryContext, id: string, actor?: Actor): Promise<void> {
  const stamp = createStamp(context, actor ? { actor } : {});
  const key = await findKeyById(context, id);
  try {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
      const current = await readKey(context, key);
      if (!current || current.value.revokedAt !== undefined) return;
      await writeAudit(context, current.value.tenant, { ...stamp, action: "revoke_key", keyId: id });
      const bytes = encodeRecord({ ...current.value, revokedAt: stamp.at });
      if (await putIf(context.store, key, { bytes, condition: { ifMatch: current.etag } })) return;
    }
  } finally {
    context.keys.forget(key);
  }
  throw new RegistryError("conflict", `Key ${id} is being changed by others: revoke it again.`);
}

/** The record is at most KEY_STALE_MS_MAX old. A malformed secret costs the store nothing. */
export async function authenticate(
  context: RegistryContext,
  secret: string,
): Promise<{ tenant: TenantId; keyId: string } | undefined> {
  if (!isSecret(secret)) return undefined;
  const key = keyRecordKey(secretDigestOf(secret));
  const record = await context.keys.read(key, async () => (await readKey(context, key))?.value);
  if (!record || record.revokedAt !== undefined) return undefined;
  return { tenant: record.tenant, keyId: record.id };
}

async function findKeyById({ store }: RegistryContext, id: string): Promise<string> {
  const digits = KEY_ID.exec(id)?.[1];
  const { keys } = digits ? await store.list({ prefix: `${keysPrefix}${digits}`, limit: 1 }) : { keys: [] };
  if (keys[0] !== undefined) return keys[0];
  throw new RegistryError("invalid_key", "There is no key of this id. List the keys for their ids.");
}

function readKey({ store }: RegistryContext, key: string) {
  return readRecord(store, key, keySchema);
}
