// Is a version signed by whom its tenant trusts? Asked whenever one is resolved, so before it is loaded and at
// each request that it would answer, and before an alias is moved to it. What was verified once is remembered
// with the manifest: a request costs two look-ups in maps.
import type { RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import { signingRecordKey } from "../layout.ts";
import type { Manifest } from "../manifest.ts";
import type { ResolvedAdapter, TenantId } from "../registry.ts";
import type { Signer } from "./signing-key.ts";
import { readSigning, type SigningKey, type SigningSettings } from "./signing-record.ts";
import { isSignedWith } from "./statement.ts";

/** A tenant's settings, its keys by id. */
export interface Trust {
  readonly required: boolean;
  readonly keys: ReadonlyMap<string, SigningKey>;
}

/** Which key a manifest's signature was verified with, and what came of it. */
export type Verified = WeakMap<Manifest, { readonly publicKey: string; readonly isSigned: boolean }>;

type Context = Pick<RegistryContext, "store" | "signing" | "verified">;

/** At most SIGNING_STALE_MS_MAX old. */
export async function recentTrust(context: Context, tenant: TenantId): Promise<Trust> {
  // Never undefined, so that a tenant without a record is remembered too.
  const load = () => currentTrust(context, tenant);
  return (await context.signing.read(signingRecordKey(tenant), load)) ?? load();
}

/** As the store has it now: for what changes something. */
export async function currentTrust(context: Pick<Context, "store">, tenant: TenantId): Promise<Trust> {
  const { required, keys }: SigningSettings = await readSigning(context, tenant);
  return { required, keys: new Map(keys.map((key) => [key.id, key])) };
}

/** The adapter must be the tenant's own. Throws signature_required, signature_invalid. */
export function requireSigned(
  context: Pick<Context, "verified">,
  { tenant, adapter, trust }: { tenant: TenantId; adapter: ResolvedAdapter; trust: Trust },
): void {
  if (!trust.required) return;
  const { name, version, manifest } = adapter;
  const what = `Version ${version} of ${name}`;
  if (!manifest.signature) {
    const message = `${what} is not signed, and you require signatures: publish it again with a key that signs.`;
    throw new RegistryError("signature_required", message);
  }
  const { publicKey } = requireTrusted(trust, manifest.signature.keyId, `${what} is signed with key`);
  if (verify(context, manifest, { tenant, publicKey })) return;
  throw new RegistryError(
    "signature_invalid",
    `The signature of version ${version} of ${name} is not one of what is stored: it was changed since, or signed as another's. Publish it again.`,
  );
}

/** Once for a manifest and key. Manifests are cached by tenant, so the tenant is the same each time. */
function verify(
  { verified }: Pick<Context, "verified">,
  manifest: Manifest,
  { tenant, publicKey }: { tenant: TenantId; publicKey: string },
): boolean {
  const known = verified.get(manifest);
  if (known?.publicKey === publicKey) return known.isSigned;
  const isSigned = isSignedWith(tenant, manifest, publicKey);
  verified.set(manifest, { publicKey, isSigned });
  return isSigned;
}

/** Before anything is written, or learned: what is published with it would be taken. Throws as requireSigned. */
export async function requireSigner(
  context: Pick<Context, "store">,
  tenant: TenantId,
  signer: Pick<Signer, "id"> | undefined,
): Promise<void> {
  const trust = await currentTrust(context, tenant);
  if (!trust.required) return;
  if (signer) return void requireTrusted(trust, signer.id, "This would be signed with key");
  throw new RegistryError(
    "signature_required",
    "You require signatures, and this has none: publish it on the command line with --sign KEYFILE, or have the server given a key that signs (softgate serve --signing-key).",
  );
}

/** Throws signature_invalid. */
function requireTrusted({ keys }: Trust, id: string, what: string): SigningKey {
  const key = keys.get(id);
  if (key && key.revokedAt === undefined) return key;
  const fault = key ? `was revoked at ${key.revokedAt}` : "is none of yours";
  throw new RegistryError(
    "signature_invalid",
    `${what} ${id}, which ${fault}. Sign with one that is valid, or have this one added: softgate tenants signing-keys.`,
  );
}
