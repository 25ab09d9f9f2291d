// Takes the next free version number of an adapter. A number is taken once, by If-None-Match, and
// never again, even when its publish dies. With an idempotency key, whoever records a number under
// the key first decides: all who publish with it, at once or later, work on that number.
import { z } from "zod";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { type AdapterOwner, claimKey, claimsPrefix, publicationKey, versionOfKey } from "./layout.ts";
import { CLAIM_ATTEMPTS_MAX, VERSION_MAX } from "./limits.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";

/** A number that was taken, by which call and when. */
export interface Claim {
  readonly version: number;
  readonly nonce: string;
  readonly at: string;
}

export const claimSchema = z.strictObject({ nonce: z.string(), at: z.iso.datetime() });

export const publicationSchema = z.strictObject({
  ...claimSchema.shape,
  name: z.string(),
  version: z.int().min(1),
});

/** Throws conflict, limit_exceeded. */
export async function claimVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  idempotencyKey?: string,
): Promise<Claim> {
  if (idempotencyKey === undefined) return claimNextNumber(context, owner);
  const decided = await findPublication(context, owner, idempotencyKey);
  if (decided !== undefined) return decided;
  const claim = await claimNextNumber(context, owner);
  const bytes = encodeRecord({ ...claim, name: owner.name });
  const key = publicationKey(owner.tenant, idempotencyKey);
  if (await putIf(context.store, key, { bytes, condition: { ifNoneMatch: "*" } })) return claim;
  const others = await findPublication(context, owner, idempotencyKey);
  if (others === undefined) throw new Error(`invariant: ${key} is taken and absent`);
  return others;
}

/** What was decided under this key. Throws conflict when it is another adapter's. */
export async function findPublication(
  { store }: RegistryContext,
  { tenant, name }: AdapterOwner,
  idempotencyKey: string,
): Promise<Claim | undefined> {
  const found = await readRecord(store, publicationKey(tenant, idempotencyKey), publicationSchema);
  if (!found || found.value.name === name) return found?.value;
  throw new RegistryError(
    "conflict",
    `This idempotency key has published ${found.value.name}:${found.value.version}; use another key for ${name}.`,
  );
}

async function claimNextNumber(context: RegistryContext, owner: AdapterOwner): Promise<Claim> {
  const { keys } = await context.store.list({ prefix: claimsPrefix(owner), limit: 1 });
  const newest = keys[0] === undefined ? 0 : versionOfKey(keys[0]);
  const claim = { nonce: createNonce(context), at: context.now().toISOString() };
  const bytes = encodeRecord(claim);
  for (let version = newest + 1; version <= newest + CLAIM_ATTEMPTS_MAX; version += 1) {
    if (version > VERSION_MAX) throw new RegistryError("limit_exceeded", `${owner.name} has no number left.`);
    const key = claimKey(owner, version);
    if (await putIf(context.store, key, { bytes, condition: { ifNoneMatch: "*" } })) {
      return { ...claim, version };
    }
  }
  throw new RegistryError("conflict", `Too many publish ${owner.name} at once: publish again.`);
}
