// An adapter's files become a version: blobs, then the number, then the manifest, then figures on test sets, then
// the alias.
// The manifest is the moment of birth: before it nothing is seen, after it nothing is missing.
// A publish that dies anywhere leaves at most unreferenced blobs and an unused number. One that took long makes
// sure, before its manifest and after it, that its blobs were not collected as garbage meanwhile.
import type { AdapterState } from "./adapter-state.ts";
import { writeAudit } from "./audit.ts";
import { putBlobs } from "./blobs.ts";
import type { Actor, AuditEntry } from "./change.ts";
import { claimVersion, findPublication } from "./claim-version.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { writeEvaluation } from "./evaluations.ts";
import { findVersion } from "./find-version.ts";
import { requireKept } from "./gc/keep-copy.ts";
import { type AdapterOwner, manifestKey } from "./layout.ts";
import { ADAPTER_FILE_BYTES_MAX, IDEMPOTENCY_KEY_LENGTH_MAX } from "./limits.ts";
import { encodeManifest, MANIFEST_MEDIA_TYPE, type Manifest } from "./manifest.ts";
import { promotePublished, requireNotGone } from "./promote-published.ts";
import { requireRoomForVersion, withRoomForName } from "./quota.ts";
import { putIf } from "./records.ts";
import {
  DEFAULT_ALIAS,
  type PublishedAdapter,
  type PublishRequest,
  parseAdapterName,
  parseAlias,
  type ResolvedAdapter,
  type TenantId,
} from "./registry.ts";
import { requirePublishable } from "./remove-adapter.ts";
import { currentTrust, requireSigned, requireSigner } from "./signing/require-signed.ts";
import { signManifest } from "./signing/statement.ts";

/**
 * Throws invalid_manifest, limit_exceeded, quota_exceeded, adapter_deleted, conflict, signature_required,
 * signature_invalid, and what the registry's checkAdapter throws.
 */
export async function publish(
  context: RegistryContext,
  tenant: TenantId,
  request: PublishRequest,
): Promise<PublishedAdapter> {
  const owner = { tenant, name: parseAdapterName(request.name) };
  const alias = parseAlias(request.alias ?? DEFAULT_ALIAS);
  context.checkAdapter(request.files, request.manifest);
  checkRequest(tenant, request);
  const state = await requirePublishable(context, owner);
  await requireSigner(context, tenant, request.signer);
  await context.ensureLayout();
  const adapter =
    (await findPublished(context, owner, { ...request, state })) ??
    (await withRoomForName(context, owner, () => writeVersion(context, owner, request)));
  // What an earlier call with the same idempotency key wrote may be signed otherwise.
  requireSigned(context, { tenant, adapter, trust: await currentTrust(context, tenant) });
  const { actor, evaluations = [] } = request;
  // Before the alias is moved, which may be held to them.
  for (const evaluation of evaluations) {
    await writeEvaluation(context, owner, { ...evaluation, adapter, ...(actor && { actor }) });
  }
  await context.prepareSwitch(owner, adapter.version);
  const heldBack = await promotePublished(context, owner, { alias, adapter, ...(actor && { actor }) });
  return heldBack === undefined ? adapter : { ...adapter, heldBack };
}

function checkRequest(tenant: TenantId, { files, idempotencyKey, ...request }: PublishRequest): void {
  for (const { byteLength } of [files.config, files.weights]) {
    if (byteLength <= ADAPTER_FILE_BYTES_MAX) continue;
    throw new RegistryError(
      "limit_exceeded",
      `A file of ${byteLength} bytes is no adapter: at most ${ADAPTER_FILE_BYTES_MAX}.`,
    );
  }
  if (idempotencyKey !== undefined && idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
    const message = `The idempotency key is longer than ${IDEMPOTENCY_KEY_LENGTH_MAX} characters.`;
    throw new RegistryError("limit_exceeded", message);
  }
  // What cannot be published must not take a number: a stand-in is checked before anything is written.
  const [digest, copy] = [`sha256:${"0".repeat(64)}`, "0".repeat(32)];
  encodeManifest(
    completeManifest(tenant, request, {
      version: 1,
      createdAt: new Date(0).toISOString(),
      files: [
        { path: "adapter_config.json", digest, copy, bytes: files.config.byteLength },
        { path: "adapter_model.safetensors", digest, copy, bytes: files.weights.byteLength },
      ],
    }),
  );
}

/** Throws conflict: a version that was removed is not written again. */
async function findPublished(
  context: RegistryContext,
  owner: AdapterOwner,
  { idempotencyKey, state }: { idempotencyKey?: string; state: AdapterState },
): Promise<ResolvedAdapter | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const claim = await findPublication(context, owner, idempotencyKey);
  if (!claim) return undefined;
  requireNotGone(state, { ...owner, ...claim });
  const found = await findVersion(context, owner, claim.version);
  // Who wrote it may have died before it made sure.
  if (found) await requireKept(context, owner.tenant, { copies: found.manifest.files });
  return found;
}

async function writeVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  request: PublishRequest,
): Promise<ResolvedAdapter> {
  const { tenant } = owner;
  const { files } = request;
  await requireRoomForVersion(context, owner);
  const since = context.now();
  const [config, weights] = await putBlobs(context, tenant, [files.config, files.weights]);
  const { version, ...claim } = await claimVersion(context, owner, request.idempotencyKey);
  const bytes = encodeManifest(
    completeManifest(tenant, request, {
      version,
      createdAt: context.now().toISOString(),
      files: [
        { path: "adapter_config.json", ...config },
        { path: "adapter_model.safetensors", ...weights },
      ],
    }),
  );
  await writeAudit(context, tenant, publishEntry(owner, { ...request, ...claim, version }));
  await requireKept(context, tenant, { copies: [config, weights], since });
  // Refused when another publish with our idempotency key was first: then its manifest is the version.
  const condition = { ifNoneMatch: "*" } as const;
  const isOurs = await putIf(context.store, manifestKey(owner, version), { bytes, condition });
  const adapter = await findVersion(context, owner, version);
  if (!adapter) {
    const message = `${owner.name}:${version} was deleted and collected meanwhile: publish with another key.`;
    throw new RegistryError("conflict", message);
  }
  await requireKept(context, tenant, { copies: adapter.manifest.files, ...(isOurs && { since }) });
  return adapter;
}

/** Named by the claim, so that a publish that is repeated has one entry. */
function publishEntry(
  { name }: AdapterOwner,
  { actor, ...claim }: { actor?: Actor; nonce: string; at: string; version: number },
): AuditEntry {
  return {
    id: claim.nonce,
    at: claim.at,
    by: actor?.id ?? "unknown",
    ...(actor?.requestId !== undefined && { requestId: actor.requestId }),
    action: "publish",
    adapter: name,
    version: claim.version,
  };
}

/** Signed where the request has a signer. Throws as encodeManifest does. */
function completeManifest(
  tenant: TenantId,
  { name, manifest, signer }: Pick<PublishRequest, "name" | "manifest" | "signer">,
  rest: Pick<Manifest, "version" | "createdAt" | "files">,
): Manifest {
  const complete = { ...manifest, mediaType: MANIFEST_MEDIA_TYPE, name, ...rest } as const;
  return signer ? signManifest(tenant, complete, signer) : complete;
}
