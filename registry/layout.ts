// Where everything lies in the object store. No other file builds a key. Names reach a key only
// through the allow-lists of registry.ts; no key is a folder of another, which versitygw refuses.
//
//   layout.json                          the layout's number; a newer one is not written to
//   keys/<sha256 of secret>.json         API key record; the secret itself is nowhere
//   key-uses/<key id>.json               when this key was last used
//   tenants/<tenant>/                    all that a tenant owns
//     blobs/sha256/<hex>-<copy>          bytes of datasets and adapter files, by content; once deleted, never again
//     blobs/sha256/<hex>-<copy>.mark     whether this copy may be garbage; deleted after it
//     datasets/<dataset id>.json         dataset record
//     uploads/<dataset id>.json          an upload by URL that was begun; goes when it is completed, or its time is over
//     tenant.json                          what the name stands for; absent where no operator has made it by name
//     keys/<sha256 of secret>              empty; there while there is, or may be, such a key of the tenant
//     limits.json                        what an operator has set for the tenant; absent: the defaults
//     usage.json                         adapters and bytes that count against them
//     signing.json                       keys that sign the tenant's versions, and whether they must; absent: none
//     adapters/<name>/
//       claims/<rank>-<version>.json     this number is taken, by whom
//       manifests/<rank>-<version>.json  the version; what has none does not exist
//       state.json                       aliases, tombstones, newest changes; the one thing that changes
//       history/<segment>.json           older changes, a fixed number each, from 1; written once
//       evaluations/<rank>-<version>/<dataset id>.json
//                                        a version's figures on a dataset; written once, goes with the version
//       feedback/<rank>-<version>/<feedback id>.json
//                                        what the version should have answered; written once, goes with the version
//     publications/<sha256>.json         idempotency key → name and version
//     once/<2 of sha256>/<sha256>.json    idempotency key → the request sent with it, and what it answered
//     audit/<time rank>-<id>.json        one change: who, when, what, why; written once
// backbones/<owner>--<name>/             a backbone as hosts without a disk read it
//     record.json                          its files and their digests; written last
//     files/<sha256>                       by content
// probes/<id>                            of a check, for a moment
//
// <rank> is VERSION_MAX - version in eight digits, <time rank> TIME_MS_MAX - milliseconds in thirteen, so
// that a listing begins with the newest. That a version or an adapter is deleted is said by state.json
// alone; what a version needs, by its manifest alone; nothing else names a blob but dataset records. <copy> is
// the nonce of one write: who sends a content again, once it may be garbage, sends it to a key of its own.
import { createHash } from "node:crypto";
import { VERSION_MAX } from "./limits.ts";
import type { AdapterName, TenantId } from "./registry.ts";

/** In the year 2286. */
const TIME_MS_MAX = 9_999_999_999_999;

export const LAYOUT_VERSION = 3;

export interface AdapterOwner {
  readonly tenant: TenantId;
  readonly name: AdapterName;
}

export const layoutKey = "layout.json";
export const keysPrefix = "keys/";
export const tenantsPrefix = "tenants/";

/** Of a backbone's id, OWNER/NAME. */
export function backbonePrefix(id: string): string {
  return `backbones/${id.replaceAll("/", "--")}/`;
}

export function backboneRecordKey(id: string): string {
  return `${backbonePrefix(id)}record.json`;
}

export function backboneFilesPrefix(id: string): string {
  return `${backbonePrefix(id)}files/`;
}

/** digest: "sha256:" and hex. */
export function backboneFileKey(id: string, digest: string): string {
  return `${backboneFilesPrefix(id)}${digest.replace("sha256:", "")}`;
}

/** secretDigest: hex. */
export function keyRecordKey(secretDigest: string): string {
  return `${keysPrefix}${secretDigest}.json`;
}

/** keyId: of an API key. */
export function keyUseKey(keyId: string): string {
  return `key-uses/${keyId}.json`;
}

export function keyMarksPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}keys/`;
}

/** secretDigest: hex. */
export function keyMarkKey(tenant: TenantId, secretDigest: string): string {
  return `${keyMarksPrefix(tenant)}${secretDigest}`;
}

export function tenantRecordKey(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}tenant.json`;
}

/** What names one copy of a blob, as manifests and dataset records do. */
export interface BlobCopy {
  /** "sha256:" and hex. */
  readonly digest: string;
  /** Absent in what was written before layout 3. */
  readonly copy?: string;
}

export function blobKey(tenant: TenantId, { digest, copy }: BlobCopy): string {
  const name = `${blobsPrefix(tenant)}${digest.replace(":", "/")}`;
  return copy === undefined ? name : `${name}-${copy}`;
}

export function blobsPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}blobs/`;
}

/** Of the copies of a content, and of their marks. */
export function copiesPrefix(tenant: TenantId, digest: string): string {
  return `${blobKey(tenant, { digest })}-`;
}

const MARK_SUFFIX = ".mark";

/** Of a blob's key. In a listing it comes after it. */
export function markKeyOf(blob: string): string {
  return `${blob}${MARK_SUFFIX}`;
}

/** Of a blob's key, or its mark's. */
export function blobKeyOf(key: string): string {
  return key.endsWith(MARK_SUFFIX) ? key.slice(0, -MARK_SUFFIX.length) : key;
}

export function uploadsPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}uploads/`;
}

export function uploadKey(tenant: TenantId, datasetId: string): string {
  return `${uploadsPrefix(tenant)}${datasetId}.json`;
}

export const DATASET_ID = /^ds_[0-9a-f]{32}$/;

export function datasetsPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}datasets/`;
}

export function datasetKey(tenant: TenantId, id: string): string {
  return `${datasetsPrefix(tenant)}${id}.json`;
}

export function tenantLimitsKey(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}limits.json`;
}

export function usageKey(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}usage.json`;
}

export function signingRecordKey(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}signing.json`;
}

export function adaptersPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}adapters/`;
}

export function claimsPrefix(owner: AdapterOwner): string {
  return `${adapterPrefix(owner)}claims/`;
}

export function claimKey(owner: AdapterOwner, version: number): string {
  return `${claimsPrefix(owner)}${rankedFileName(version)}`;
}

export function manifestsPrefix(owner: AdapterOwner): string {
  return `${adapterPrefix(owner)}manifests/`;
}

export function manifestKey(owner: AdapterOwner, version: number): string {
  return `${manifestsPrefix(owner)}${rankedFileName(version)}`;
}

/** Goes with the version. */
export function evaluationsPrefix(owner: AdapterOwner, version: number): string {
  return `${adapterPrefix(owner)}evaluations/${ranked(version)}/`;
}

export function evaluationKey(owner: AdapterOwner, version: number, datasetId: string): string {
  return `${evaluationsPrefix(owner, version)}${datasetId}.json`;
}

/** Of all versions. */
export function feedbackPrefix(owner: AdapterOwner): string {
  return `${adapterPrefix(owner)}feedback/`;
}

/** Goes with the version. */
export function versionFeedbackPrefix(owner: AdapterOwner, version: number): string {
  return `${feedbackPrefix(owner)}${ranked(version)}/`;
}

/** Its version, and the rank of its time before a nonce: of one version the newest are listed first. */
export const FEEDBACK_ID = /^fb_([1-9]\d{0,7})_\d{13}[0-9a-f]{32}$/;

/** id: of the form FEEDBACK_ID. */
export function feedbackKey(owner: AdapterOwner, id: string): string {
  const version = Number(FEEDBACK_ID.exec(id)?.[1]);
  if (!Number.isSafeInteger(version)) throw new Error("invariant: this is no id of feedback");
  return `${versionFeedbackPrefix(owner, version)}${id}.json`;
}

/** The version in the key of a claim, a manifest, an evaluation or feedback. */
export function versionOfKey(key: string): number {
  const version = Number(/\/\d{8}-(\d+)(\/[^/]+)?\.json$/.exec(key)?.[1]);
  if (!Number.isSafeInteger(version)) throw new Error(`invariant: no version in key ${key}`);
  return version;
}

export function stateKey(owner: AdapterOwner): string {
  return `${adapterPrefix(owner)}state.json`;
}

/** segment: from 1. */
export function historySegmentKey(owner: AdapterOwner, segment: number): string {
  return `${adapterPrefix(owner)}history/${String(segment).padStart(8, "0")}.json`;
}

export function auditPrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}audit/`;
}

export function auditKey(tenant: TenantId, { id, at }: { id: string; at: string }): string {
  return `${auditPrefix(tenant)}${auditRank(new Date(at))}-${id}.json`;
}

/** Later times have lower ranks. */
export function auditRank(at: Date): string {
  const rank = Math.min(Math.max(TIME_MS_MAX - at.getTime(), 0), TIME_MS_MAX);
  return String(rank).padStart(13, "0");
}

export function publicationKey(tenant: TenantId, idempotencyKey: string): string {
  const hex = createHash("sha256").update(idempotencyKey).digest("hex");
  return `${tenantPrefix(tenant)}publications/${hex}.json`;
}

export function oncePrefix(tenant: TenantId): string {
  return `${tenantPrefix(tenant)}once/`;
}

export function onceKey(tenant: TenantId, idempotencyKey: string): string {
  const hex = createHash("sha256").update(idempotencyKey).digest("hex");
  return `${oncePrefix(tenant)}${hex.slice(0, 2)}/${hex}.json`;
}

/** Of a blob's key, or its mark's. */
export function copyOfKey(key: string): BlobCopy {
  const [, hex, copy] = COPY.exec(key) ?? [];
  if (hex === undefined) throw new Error(`invariant: no digest in key ${key}`);
  return { digest: `sha256:${hex}`, ...(copy !== undefined && { copy }) };
}

const NAME = "([a-z0-9][a-z0-9._-]{0,63})";
const ADAPTER = `tenants/${NAME}/adapters/${NAME}`;
const COPY = /\/blobs\/sha256\/([0-9a-f]{64})(?:-([0-9a-f]{32}))?(?:\.mark)?$/;
const keyShapes = {
  layout: /^layout\.json$/,
  key: /^keys\/[0-9a-f]{64}\.json$/,
  keyUse: /^key-uses\/key_[0-9a-f]{20}\.json$/,
  keyMark: new RegExp(`^tenants/${NAME}/keys/[0-9a-f]{64}$`),
  tenant: new RegExp(`^tenants/${NAME}/tenant\\.json$`),
  limits: new RegExp(`^tenants/${NAME}/limits\\.json$`),
  usage: new RegExp(`^tenants/${NAME}/usage\\.json$`),
  signing: new RegExp(`^tenants/${NAME}/signing\\.json$`),
  backbone: /^backbones\/[^/]+\/record\.json$/,
  backboneFile: /^backbones\/[^/]+\/files\/[0-9a-f]{64}$/,
  probe: /^probes\/[^/]+$/,
  claim: new RegExp(`^${ADAPTER}/claims/\\d{8}-\\d+\\.json$`),
  manifest: new RegExp(`^${ADAPTER}/manifests/\\d{8}-\\d+\\.json$`),
  evaluation: new RegExp(`^${ADAPTER}/evaluations/\\d{8}-\\d+/ds_[0-9a-f]{32}\\.json$`),
  feedback: new RegExp(`^${ADAPTER}/feedback/\\d{8}-\\d+/fb_\\d+_\\d{13}[0-9a-f]{32}\\.json$`),
  state: new RegExp(`^${ADAPTER}/state\\.json$`),
  segment: new RegExp(`^${ADAPTER}/history/\\d{8}\\.json$`),
  blob: new RegExp(`^tenants/${NAME}/blobs/sha256/[0-9a-f]{64}(?:-[0-9a-f]{32})?$`),
  mark: new RegExp(`^tenants/${NAME}/blobs/sha256/[0-9a-f]{64}(?:-[0-9a-f]{32})?\\.mark$`),
  dataset: new RegExp(`^tenants/${NAME}/datasets/ds_[0-9a-f]{32}\\.json$`),
  upload: new RegExp(`^tenants/${NAME}/uploads/ds_[0-9a-f]{32}\\.json$`),
  publication: new RegExp(`^tenants/${NAME}/publications/[0-9a-f]{64}\\.json$`),
  once: new RegExp(`^tenants/${NAME}/once/[0-9a-f]{2}/[0-9a-f]{64}\\.json$`),
  audit: new RegExp(`^tenants/${NAME}/audit/\\d{13}-[0-9a-f]{32}\\.json$`),
} as const;

export type KeyKind = keyof typeof keyShapes;

/** What lies under a key, and whose it is: names as they stand there. Undefined for a key that is none of these. */
export function describeKey(key: string): { kind: KeyKind; tenant: string; name: string } | undefined {
  for (const [kind, shape] of Object.entries(keyShapes)) {
    const match = shape.exec(key);
    if (match) return { kind: kind as KeyKind, tenant: match[1] ?? "", name: match[2] ?? "" };
  }
  return undefined;
}

/** The last segment of "a/b" or "a/b/". */
export function lastSegment(key: string): string {
  return key.split("/").findLast((segment) => segment !== "") ?? "";
}

export function tenantPrefix(tenant: TenantId): string {
  return `${tenantsPrefix}${tenant}/`;
}

export function adapterPrefix({ tenant, name }: AdapterOwner): string {
  return `${adaptersPrefix(tenant)}${name}/`;
}

function rankedFileName(version: number): string {
  return `${ranked(version)}.json`;
}

function ranked(version: number): string {
  return `${String(VERSION_MAX - version).padStart(8, "0")}-${version}`;
}
