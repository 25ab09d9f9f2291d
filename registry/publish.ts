// An adapter's files become a version: blobs, then the number, then the manifest, then the alias.
// The manifest is the moment of birth: before it nothing is seen, after it nothing is missing.
// A publish that dies anywhere leaves at most unreferenced blobs and an unused number.
import { writeAudit } from "./audit.ts";
import { putBlobs } from "./blobs.ts";
import type { Actor, AuditEntry } from "./change.ts";
import { claimVersion, findPublication } from "./claim-version.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { findVersion } from "./find-version.ts";
import { type AdapterOwner, manifestKey } from "./layout.ts";
import { ADAPTER_FILE_BYTES_MAX, IDEMPOTENCY_KEY_LENGTH_MAX } from "./limits.ts";
import { encodeManifest, MANIFEST_MEDIA_TYPE, type Manifest } from "./manifest.ts";
import { promotePublished } from "./promote-published.ts";
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

/** Throws invalid_manifest, limit_exceeded, quota_exceeded, adapter_deleted, conflict, and what the registry's checkAdapter throws. */
export async function publish(
  context: RegistryContext,
  tenant: TenantId,
  request: PublishRequest,
): Promise<PublishedAdapter> {
  const owner = { tenant, name: parseAdapterName(request.name) };
  const alias = parseAlias(request.alias ?? DEFAULT_ALIAS);
  context.checkAdapter(request.files, request.manifest);
  checkRequest(request);
  await requirePublishable(context, owner);
  await context.ensureLayout();
  const adapter =
    (await findPublished(context, owner, request.idempotencyKey)) ??
    (await withRoomForName(context, owner, () => writeVersion(context, owner, request)));
  const { actor } = request;
  await context.prepareSwitch(owner, adapter.version);
  const heldBack = await promotePublished(context, owner, { alias, adapter, ...(actor && { actor }) });
  return heldBack === undefined ? adapter : { ...adapter, heldBack };
}

function checkRequest({ files, idempotencyKey, ...request }: PublishRequest): void {
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
  const digest = `sha256:${"0".repeat(64)}`;
  encodeManifest(
    completeManifest(request, {
      version: 1,
      createdAt: new Date(0).toISOString(),
      files: [
        { path: "adapter_config.json", digest, bytes: files.config.byteLength },
        { path: "adapter_model.safetensors", digest, bytes: files.weights.byteLength },
      ],
    }),
  );
}

async function findPublished(
  context: RegistryContext,
  owner: AdapterOwner,
  idempotencyKey: string | undefined,
): Promise<ResolvedAdapter | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const claim = await findPublication(context, owner, idempotencyKey);
  return claim && findVersion(context, owner, claim.version);
}

async function writeVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  request: PublishRequest,
): Promise<ResolvedAdapter> {
  const { tenant } = owner;
  const { files } = request;
  await requireRoomForVersion(context, owner);
  const [config, weights] = await putBlobs(context, tenant, [files.config, files.weights]);
  const { version, ...claim } = await claimVersion(context, owner, request.idempotencyKey);
  const bytes = encodeManifest(
    completeManifest(request, {
      version,
      createdAt: context.now().toISOString(),
      files: [
        { path: "adapter_config.json", ...config },
        { path: "adapter_model.safetensors", ...weights },
      ],
    }),
  );
  await writeAudit(context, tenant, publishEntry(owner, { ...request, ...claim, version }));
  // Refused when another publish with our idempotency key was first: then its manifest is the version.
  await putIf(context.store, manifestKey(owner, version), { bytes, condition: { ifNoneMatch: "*" } });
  const adapter = await findVersion(context, owner, version);
  if (!adapter) throw new Error(`invariant: ${owner.name}:${version} was written and is absent`);
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

function completeManifest(
  { name, manifest }: Pick<PublishRequest, "name" | "manifest">,
  rest: Pick<Manifest, "version" | "createdAt" | "files">,
): Manifest {
  return { ...manifest, mediaType: MANIFEST_MEDIA_TYPE, name, ...rest };
}
