// API keys: which tenant a secret speaks for, and what it may do. A key is stored under its secret's sha256; the
// secret is not. So nothing is compared with a secret, and how long a look-up takes tells nothing of one. A key's
// id is the beginning of that hash, so that a key is found by either. Each tenant has marks of its keys, written
// before them and deleted after them, to list them by.
import { writeAudit } from "./audit.ts";
import { type Actor, createStamp } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { type Credential, hasEnded, KEY_ID, KEY_SCOPES, type KeyRecord, keySchema } from "./key-record.ts";
import { formatSecret, isSecret, SECRET_RANDOM_BYTES, secretDigestOf } from "./key-secret.ts";
import { readKeyUse } from "./key-uses.ts";
import { keyMarkKey, keyMarksPrefix, keyRecordKey, keysPrefix, keyUseKey, lastSegment } from "./layout.ts";
import {
  KEY_DESCRIPTION_LENGTH_MAX,
  KEYS_PER_PAGE_MAX,
  KEYS_PER_TENANT_MAX,
  SWAP_ATTEMPTS_MAX,
} from "./limits.ts";
import { listAll } from "./list-all.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit, encodeRecord, putIf, readRecord } from "./records.ts";
import {
  type CreatedKey,
  type CreateKeyOptions,
  type KeySummary,
  parseTenantId,
  type TenantId,
} from "./registry.ts";

/** Throws limit_exceeded, invalid_expiry. */
export async function createKey(
  context: RegistryContext,
  tenant: TenantId,
  { description, scopes = KEY_SCOPES, expiresAt, actor }: CreateKeyOptions & { description: string },
): Promise<CreatedKey> {
  checkKey(context, { description, expiresAt });
  await requireRoomForKey(context, tenant);
  await context.ensureLayout();
  const { digest, secret, id } = drawSecret(context);
  const stamp = createStamp(context, actor ? { actor } : {});
  const record = {
    ...{ id, tenant: parseTenantId(tenant), description },
    scopes: KEY_SCOPES.filter((scope) => scopes.includes(scope)),
    createdAt: stamp.at,
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
  await writeAudit(context, tenant, { ...stamp, action: "create_key", keyId: id });
  await writeNewKey(context, digest, record);
  return { record, secret };
}

export function drawSecret({ randomBytes }: Pick<RegistryContext, "randomBytes">) {
  const secret = formatSecret(randomBytes(SECRET_RANDOM_BYTES));
  const digest = secretDigestOf(secret);
  return { secret, digest, id: idOf(digest) };
}

export async function writeNewKey({ store }: RegistryContext, digest: string, key: KeyRecord): Promise<void> {
  await store.put(keyMarkKey(key.tenant, digest), new Uint8Array());
  const bytes = encodeRecord(key);
  if (await putIf(store, keyRecordKey(digest), { bytes, condition: { ifNoneMatch: "*" } })) return;
  throw new Error(`invariant: the secret of ${key.id} was drawn twice`);
}

/** In the order of their ids, which is none of time. Throws invalid_key for a place that no page has given. */
export async function listKeys(
  context: RegistryContext,
  tenant: TenantId,
  { after, limit }: { after?: string; limit?: number } = {},
): Promise<{ keys: KeySummary[]; next?: string }> {
  if (after !== undefined && !KEY_ID.test(after)) throw noSuchKey();
  const prefix = keyMarksPrefix(tenant);
  const page = await context.store.list({
    prefix,
    limit: clampLimit(limit, KEYS_PER_PAGE_MAX),
    // Behind every digest that begins as the id does.
    ...(after !== undefined && { after: `${prefix}${after.replace("key_", "")}~` }),
  });
  const found = await mapInParallel(page.keys, (mark) => readSummary(context, lastSegment(mark)));
  const keys = found.filter((key) => key !== undefined);
  return { keys, ...(page.next !== undefined && { next: idOf(lastSegment(page.next)) }) };
}

/** Revoking twice is revoking once. Throws invalid_key: also for another tenant's, where one is given. */
export async function revokeKey(
  context: RegistryContext,
  id: string,
  { tenant, actor }: { tenant?: TenantId; actor?: Actor } = {},
): Promise<KeyRecord> {
  const stamp = createStamp(context, actor ? { actor } : {});
  return changeKey(context, { id, ...(tenant && { tenant }) }, async (key) => {
    if (key.revokedAt !== undefined) return undefined;
    await writeAudit(context, key.tenant, { ...stamp, action: "revoke_key", keyId: id });
    return { ...key, revokedAt: stamp.at };
  });
}

/** By compare-and-swap; unchanged where `change` gives nothing. Throws invalid_key, conflict. */
export async function changeKey(
  context: RegistryContext,
  wanted: { id: string; tenant?: TenantId },
  change: (key: KeyRecord) => Promise<KeyRecord | undefined>,
): Promise<KeyRecord> {
  const key = await findKeyById(context, wanted.id);
  try {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
      const current = await readKey(context, key);
      if (!current || (wanted.tenant !== undefined && current.value.tenant !== wanted.tenant)) {
        throw noSuchKey();
      }
      const next = await change(current.value);
      if (!next) return current.value;
      const condition = { ifMatch: current.etag };
      if (await putIf(context.store, key, { bytes: encodeRecord(next), condition })) return next;
    }
  } finally {
    context.keys.forget(key);
  }
  throw new RegistryError("conflict", `Key ${wanted.id} is being changed by others: do it again.`);
}

/** The record is at most KEY_STALE_MS_MAX old; an expiry is met to the moment. A malformed secret costs the store nothing. */
export async function authenticate(
  context: RegistryContext,
  secret: string,
): Promise<Credential | undefined> {
  if (!isSecret(secret)) return undefined;
  const key = keyRecordKey(secretDigestOf(secret));
  const record = await context.keys.read(key, async () => (await readKey(context, key))?.value);
  if (!record || hasEnded(record, context.now())) return undefined;
  return { tenant: record.tenant, keyId: record.id, scopes: record.scopes };
}

/** Throws limit_exceeded, invalid_expiry. */
function checkKey(
  { now }: RegistryContext,
  { description, expiresAt }: { description: string; expiresAt: Date | undefined },
): void {
  if (description.length > KEY_DESCRIPTION_LENGTH_MAX) {
    const message = `The description is longer than ${KEY_DESCRIPTION_LENGTH_MAX} characters: shorten it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  if (expiresAt === undefined || expiresAt > now()) return;
  throw new RegistryError("invalid_expiry", "A key's expiry must be in the future.");
}

/**
 * Those that ended make room. Of creations at once each may see room for its own: past the limit by at most the number
 * that is under way. Throws limit_exceeded.
 */
async function requireRoomForKey(context: RegistryContext, tenant: TenantId): Promise<void> {
  const { store } = context;
  const { keys: marks } = await listAll(store, { prefix: keyMarksPrefix(tenant) });
  if (marks.length < KEYS_PER_TENANT_MAX) return;
  const removed = await mapInParallel(marks, async (mark) => {
    const digest = lastSegment(mark);
    const key = (await readKey(context, keyRecordKey(digest)))?.value;
    if (key && !hasEnded(key, context.now())) return false;
    await store.delete(keyRecordKey(digest));
    await store.delete(keyUseKey(idOf(digest)));
    await store.delete(mark);
    return true;
  });
  if (removed.includes(true)) return;
  const message = `A tenant has at most ${KEYS_PER_TENANT_MAX} keys that are valid: revoke those that are not used.`;
  throw new RegistryError("limit_exceeded", message);
}

async function readSummary(context: RegistryContext, digest: string): Promise<KeySummary | undefined> {
  const record = (await readKey(context, keyRecordKey(digest)))?.value;
  if (!record) return undefined;
  const lastUsedAt = await readKeyUse(context.store, record.id);
  return { ...record, ...(lastUsedAt !== undefined && { lastUsedAt }) };
}

async function findKeyById({ store }: RegistryContext, id: string): Promise<string> {
  const digits = KEY_ID.exec(id)?.[1];
  const { keys } = digits ? await store.list({ prefix: `${keysPrefix}${digits}`, limit: 1 }) : { keys: [] };
  if (keys[0] !== undefined) return keys[0];
  throw noSuchKey();
}

function noSuchKey(): RegistryError {
  return new RegistryError("invalid_key", "There is no key of this id. List the keys for their ids.");
}

function idOf(digest: string): string {
  return `key_${digest.slice(0, 20)}`;
}

function readKey({ store }: RegistryContext, key: string) {
  return readRecord(store, key, keySchema);
}
