// The registry as its callers see it: tenants' datasets, adapters, versions, aliases and keys
// on one object store. Every method takes the tenant first, and every key starts with it.
import type { AuditPage } from "./audit.ts";
import type {
  Actor,
  AdapterChange,
  AuditEntry,
  ChangeOptions,
  PromotionRule,
  RateLimits,
  Retention,
  Shadow,
  TenantLimits,
} from "./change.ts";
import type { ForceOptions } from "./check-promotion.ts";
import { RegistryError } from "./errors.ts";
import type { NewEvaluation, StoredEvaluation, TestSet } from "./evaluations.ts";
import type { FeedbackPage, FeedbackRecord, NewFeedback } from "./feedback.ts";
import type { Collection, CollectRequest } from "./gc/collect-garbage.ts";
import type { HistoryPage } from "./history.ts";
import type { Credential, KeyRecord, KeyScope } from "./key-record.ts";
import { VERSION_MAX } from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import type { PresignedPut } from "./object-store/object-store.ts";
import type { Once } from "./once.ts";
import type { PackageFiles } from "./package.ts";
import type { RevisionOptions } from "./revision.ts";
import type { RotatedKey, RotateKeyOptions } from "./rotate-key.ts";
import type { Signer } from "./signing/signing-key.ts";
import type { SigningKey, SigningSettings } from "./signing/signing-record.ts";
import type { TenantLimitsInEffect } from "./tenant-limits.ts";
import type { NewUpload, UploadRecord } from "./uploads.ts";

declare const brand: unique symbol;
export type TenantId = string & { readonly [brand]: "TenantId" };
export type AdapterName = string & { readonly [brand]: "AdapterName" };

/** The alias meant where none is given. */
export const DEFAULT_ALIAS = "production";

/** `name`, `name@alias` or `name:3`. */
export type AdapterReference =
  | { readonly name: AdapterName; readonly alias: string }
  | { readonly name: AdapterName; readonly version: number };

export const datasetMediaTypes = [
  "text/csv",
  "application/x-ndjson",
  "application/vnd.apache.parquet",
] as const;
export type DatasetMediaType = (typeof datasetMediaTypes)[number];

export interface DatasetRecord {
  readonly id: string;
  readonly digest: string;
  /** Where its bytes lie: which copy of them. */
  readonly copy?: string;
  readonly bytes: number;
  readonly rows: number;
  readonly labels: readonly string[];
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  /** As the file names them. Without textPair its examples are single texts. */
  readonly columns: { readonly text: string; readonly textPair?: string; readonly label: string };
  readonly createdAt: string;
}

/** In lists: of up to a thousand labels only how many. */
export type DatasetSummary = Omit<DatasetRecord, "labels" | "copy"> & { readonly labelCount: number };

export interface ResolvedAdapter {
  readonly name: AdapterName;
  readonly version: number;
  /** sha256 of the manifest's bytes, so of all it names. */
  readonly digest: string;
  readonly manifest: Manifest;
}

export interface AdapterSummary {
  readonly name: string;
  readonly latestVersion: number;
  readonly aliases: Readonly<Record<string, number>>;
  /** What follows is of the latest version. */
  readonly digest: string;
  readonly createdAt: string;
  readonly backbone: { readonly id: string; readonly digest: string };
  /** The first of them: at most LISTED_LABELS_BYTES_MAX. */
  readonly labels: readonly string[];
  readonly labelCount: number;
  readonly rows: number;
  /** Where its report has figures. */
  readonly metrics?: {
    readonly on: "heldOut" | "validation";
    readonly accuracy?: number;
    readonly macroF1?: number;
  };
}

export interface AdaptersPage {
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit?: number;
  /** Only names that begin so: the store's listing does it. */
  readonly prefix?: string;
  /** Only adapters whose latest version has this label. Looks at every adapter: O(n). */
  readonly label?: string;
  /** Only adapters whose latest version has the backbone of this id. Looks at every adapter: O(n). */
  readonly backbone?: string;
}

export interface VersionSummary {
  readonly version: number;
  readonly digest: string;
  readonly createdAt: string;
  readonly aliases: readonly string[];
  readonly labels: readonly string[];
  readonly backbone: { readonly id: string; readonly digest: string };
  readonly dataset: Manifest["dataset"];
  /** Where it was imported: the version that it was. */
  readonly origin?: NonNullable<Manifest["origin"]>;
  /** The key that its manifest names; absent where it is not signed. Not verified here. */
  readonly signedBy?: string;
}

export interface PublishRequest {
  readonly name: AdapterName;
  readonly files: { readonly config: Uint8Array; readonly weights: Uint8Array };
  readonly manifest: Omit<Manifest, "mediaType" | "name" | "version" | "createdAt" | "files" | "signature">;
  /**
   * Moved to the new version once its manifest stands, unless it already points at a later one.
   * Default "production".
   */
  readonly alias?: string;
  /** Publishing again with the same key returns the version it made. */
  readonly idempotencyKey?: string;
  /** On datasets of the tenant, by the adapter that is published. */
  readonly evaluations?: readonly NewEvaluation[];
  /** Signs the version, in this process. Needed where the tenant requires signatures. */
  readonly signer?: Signer;
  readonly actor?: Actor;
}

export interface PublishedAdapter extends ResolvedAdapter {
  /** Why the alias was not moved to it: a sentence. Absent where it was, or points at a later version. */
  readonly heldBack?: string;
}

export interface AliasMove {
  readonly alias: string;
  readonly version: number;
  /** Where it pointed before; absent for a new alias, and the version itself where nothing moved. */
  readonly from?: number;
}

export interface MoveAliasRequest extends ChangeOptions, ForceOptions, RevisionOptions {
  readonly alias: string;
  readonly version: number;
  /** Move it only from here; conflict otherwise. */
  readonly from?: number;
}

export interface RollbackRequest extends ChangeOptions, ForceOptions, RevisionOptions {
  readonly alias: string;
  /** Default: the version that the alias pointed at before and that is not deleted. */
  readonly version?: number;
  /** Roll back only from here; conflict otherwise, so that a request sent twice goes back once. */
  readonly from?: number;
}

export interface AliasSummary {
  readonly alias: string;
  readonly version: number;
  readonly protected: boolean;
  readonly rule?: PromotionRule;
  /** Where rollbacks lead, the next one first. */
  readonly earlier: readonly number[];
}

export interface ProtectAliasRequest extends ChangeOptions, RevisionOptions {
  readonly alias: string;
  readonly protected: boolean;
  /** Without one, nothing but force moves the alias. */
  readonly rule?: PromotionRule;
}

export interface SetRetentionRequest extends ChangeOptions, RevisionOptions {
  /** Undefined ends it. */
  readonly retention: Retention | undefined;
}

export interface SetShadowRequest extends ChangeOptions {
  /** Undefined ends it. */
  readonly shadow: Shadow | undefined;
}

/** Of adapters and versions, those that are not deleted; bytes are those of datasets, adapters' files and feedback. */
export interface Usage {
  readonly adapters: { readonly used: number; readonly limit: number };
  readonly versionsPerAdapter: { readonly limit: number };
  readonly bytes: { readonly used: number; readonly limit: number };
  /** On each server. Absent where there is no limit. */
  readonly requestsPerMinute?: { readonly limit: number };
  readonly textsPerMinute?: { readonly limit: number };
}

export interface CreateKeyOptions {
  /** What it may do. Default: everything. */
  readonly scopes?: readonly KeyScope[];
  /** Default: never. */
  readonly expiresAt?: Date;
  readonly actor?: Actor;
}

export interface CreatedKey {
  readonly record: KeyRecord;
  /** Given here and never again. */
  readonly secret: string;
}

export interface KeySummary extends KeyRecord {
  /** Up to KEY_USE_INTERVAL_MS too early; absent where it was not used. */
  readonly lastUsedAt?: string;
}

export interface CreateTenantOptions {
  readonly description?: string;
  readonly actor?: Actor;
}

export interface TenantRecord {
  readonly id: TenantId;
  readonly description: string;
  readonly createdAt: string;
}

export interface Registry {
  putDataset(
    tenant: TenantId,
    dataset: { bytes: Uint8Array } & Omit<DatasetRecord, "id" | "digest" | "copy" | "bytes" | "createdAt"> & {
        actor?: Actor;
        /** 32 hexadecimal digits: with the same, it is the same dataset. */
        onceId?: string;
      },
  ): Promise<DatasetRecord>;
  /** In the order of their ids; `after` is the `next` of the page before. Throws invalid_name. */
  listDatasets(
    tenant: TenantId,
    page?: { limit?: number; after?: string },
  ): Promise<{ datasets: DatasetSummary[]; next?: string }>;
  /** Whole in memory. Throws dataset_not_found, blob_not_found, blob_corrupt. */
  getDataset(tenant: TenantId, id: string): Promise<DatasetRecord & { content: Uint8Array }>;
  /**
   * Throws dataset_not_found. Its parts are read while they are asked for, once, with no more than BLOB_PART_BYTES in
   * memory, and throw blob_not_found and, perhaps only after the last, blob_corrupt.
   */
  openDataset(tenant: TenantId, id: string): Promise<DatasetRecord & { parts: AsyncIterable<Uint8Array> }>;
  /** Throws dataset_not_found. */
  describeDataset(tenant: TenantId, id: string): Promise<DatasetRecord>;
  /**
   * A request with which whoever has it uploads this file, straight into the store. It becomes a dataset by
   * completeUpload. Throws direct_upload_unsupported where the store is no S3, limit_exceeded, quota_exceeded.
   */
  beginUpload(
    tenant: TenantId,
    upload: NewUpload,
  ): Promise<{ datasetId: string; completeBefore: string; put: PresignedPut }>;
  /** One that was begun and not yet completed, while there is time. */
  findUpload(tenant: TenantId, id: string): Promise<UploadRecord | undefined>;
  /** The file that was sent, as the parts of openDataset. Throws upload_incomplete. */
  openUpload(tenant: TenantId, upload: UploadRecord): Promise<AsyncIterable<Uint8Array>>;
  /** By one who has read the file, as its record then says. Throws conflict. */
  completeUpload(
    tenant: TenantId,
    completion: {
      upload: UploadRecord;
      read: Pick<DatasetRecord, "rows" | "labels" | "columns">;
      actor?: Actor;
    },
  ): Promise<DatasetRecord>;
  /** The file is no dataset: the upload is forgotten. */
  refuseUpload(tenant: TenantId, upload: UploadRecord): Promise<void>;

  /**
   * Throws adapter_deleted while the name can be restored, quota_exceeded, signature_required, signature_invalid,
   * conflict.
   */
  publish(tenant: TenantId, request: PublishRequest): Promise<PublishedAdapter>;
  /**
   * What publish would refuse for the name's or the signer's sake, before a training. Throws adapter_deleted,
   * quota_exceeded, signature_required, signature_invalid.
   */
  requirePublishable(tenant: TenantId, name: AdapterName, signer?: Signer): Promise<void>;
  /**
   * A version that is signed as the tenant requires, by keys as of at most SIGNING_STALE_MS_MAX ago. Throws
   * adapter_not_found, alias_not_found, version_not_found, signature_required, signature_invalid.
   */
  resolve(tenant: TenantId, reference: AdapterReference): Promise<ResolvedAdapter>;
  /** The version's two files, digests verified. Throws blob_not_found, blob_corrupt. */
  readFiles(tenant: TenantId, manifest: Manifest): Promise<{ config: Uint8Array; weights: Uint8Array }>;
  /** The version as files that publishPackage reads elsewhere. Throws as readFiles does. */
  readPackage(
    tenant: TenantId,
    request: { resolved: ResolvedAdapter; softgateVersion: string },
  ): Promise<PackageFiles>;

  /** Throws alias_protected, promotion_refused, version_not_found, signature_required, signature_invalid, conflict. */
  setAlias(tenant: TenantId, name: AdapterName, move: MoveAliasRequest): Promise<AliasMove>;
  /** Verifies the version's bytes first. Throws as setAlias, no_earlier_version, version_damaged. */
  rollback(tenant: TenantId, name: AdapterName, request: RollbackRequest): Promise<AliasMove>;
  /** revision: for ifRevision of a change. Throws adapter_not_found, alias_not_found. */
  getAlias(tenant: TenantId, name: AdapterName, alias: string): Promise<AliasSummary & { revision: string }>;
  /** By name. Throws adapter_not_found. */
  listAliases(tenant: TenantId, name: AdapterName): Promise<AliasSummary[]>;
  protectAlias(tenant: TenantId, name: AdapterName, request: ProtectAliasRequest): Promise<void>;
  /** The test set that a rule holds the alias to; undefined without. */
  findTestSet(tenant: TenantId, name: AdapterName, alias: string): Promise<TestSet | undefined>;
  /** Kept for good: what is there already stands, and is returned. Throws version_not_found, dataset_not_found. */
  recordEvaluation(
    tenant: TenantId,
    name: AdapterName,
    evaluation: NewEvaluation & { version: number; actor?: Actor },
  ): Promise<StoredEvaluation>;
  /**
   * What a version should have answered; goes with the version. Throws adapter_not_found, version_not_found,
   * limit_exceeded, quota_exceeded.
   */
  addFeedback(tenant: TenantId, name: AdapterName, feedback: NewFeedback): Promise<FeedbackRecord>;
  /** By version, then by time; the newest first. Throws adapter_not_found, feedback_not_found for another `after`. */
  listFeedback(
    tenant: TenantId,
    name: AdapterName,
    page?: FeedbackPage,
  ): Promise<{ feedback: FeedbackRecord[]; next?: string }>;
  /** All of it, the newest first. Throws adapter_not_found. */
  readFeedback(tenant: TenantId, name: AdapterName): Promise<FeedbackRecord[]>;
  /** Throws adapter_not_found, feedback_not_found. */
  deleteFeedback(
    tenant: TenantId,
    name: AdapterName,
    feedback: { readonly id: string; readonly actor?: Actor },
  ): Promise<void>;
  /** Which versions stay; applied by collectGarbage. Throws adapter_not_found. */
  setRetention(tenant: TenantId, name: AdapterName, request: SetRetentionRequest): Promise<void>;
  /** Undefined where all stay; revision: for ifRevision of a change. Throws adapter_not_found. */
  getRetention(
    tenant: TenantId,
    name: AdapterName,
  ): Promise<{ retention: Retention | undefined; revision: string }>;
  /** What is asked beside production; undefined: nothing. Throws adapter_not_found, alias_not_found, conflict. */
  setShadow(tenant: TenantId, name: AdapterName, request: SetShadowRequest): Promise<void>;
  /** Throws adapter_not_found. */
  getShadow(tenant: TenantId, name: AdapterName): Promise<Shadow | undefined>;
  /** At most ALIAS_STALE_MS_MAX old; undefined for an adapter that is not there, too. */
  findShadow(tenant: TenantId, name: AdapterName): Promise<Shadow | undefined>;
  /** All changes of an adapter, newest first, or one alias's. Throws adapter_not_found. */
  listHistory(
    tenant: TenantId,
    name: AdapterName,
    page?: HistoryPage,
  ): Promise<{ changes: AdapterChange[]; next?: number }>;

  /** From then on answered like what never was. Throws alias_protected without force. */
  deleteAdapter(
    tenant: TenantId,
    name: AdapterName,
    options?: ChangeOptions & ForceOptions,
  ): Promise<{ restorableUntil: string }>;
  /** Throws adapter_not_found, also once the window has ended. */
  restoreAdapter(tenant: TenantId, name: AdapterName, options?: ChangeOptions): Promise<void>;
  /** Throws version_in_use when an alias points at it. */
  deleteVersion(
    tenant: TenantId,
    name: AdapterName,
    change: ChangeOptions & { version: number },
  ): Promise<{ restorableUntil: string }>;
  /** Throws version_not_found, also once the window has ended. */
  restoreVersion(
    tenant: TenantId,
    name: AdapterName,
    change: ChangeOptions & { version: number },
  ): Promise<void>;
  /** What was changed, by whom and why; newest first. */
  listAudit(tenant: TenantId, page?: AuditPage): Promise<{ entries: AuditEntry[]; next?: string }>;

  /**
   * By name. One read for each adapter that is looked at. A page may be shorter than its limit, even empty,
   * and have a next: a search looks at ADAPTERS_SEARCHED_PER_PAGE_MAX adapters and no more.
   */
  listAdapters(tenant: TenantId, page?: AdaptersPage): Promise<{ adapters: AdapterSummary[]; next?: string }>;
  /** Newest first. Throws adapter_not_found. */
  listVersions(
    tenant: TenantId,
    name: AdapterName,
    page?: { before?: number; limit?: number },
  ): Promise<{ versions: VersionSummary[]; next?: number }>;

  /** What the tenant has of what it may have. */
  getUsage(tenant: TenantId): Promise<Usage>;
  /** Counts adapters and bytes anew: reads every manifest and dataset record of the tenant. */
  recountUsage(tenant: TenantId): Promise<{ adapters: number; bytes: number }>;
  /** An operator's doing. In place of all that were set before; what is left out is the default. */
  setTenantLimits(tenant: TenantId, limits: TenantLimits, actor?: Actor): Promise<TenantLimitsInEffect>;
  /** As of at most RATE_LIMITS_STALE_MS_MAX ago. Empty where none were set. */
  getRateLimits(tenant: TenantId): Promise<RateLimits>;

  /** Keys that sign the tenant's versions, and whether they must be signed. */
  getSigning(tenant: TenantId): Promise<SigningSettings>;
  /** An operator's doing, as what follows. publicKey: PEM or base64. Throws invalid_signing_key, limit_exceeded. */
  addSigningKey(
    tenant: TenantId,
    key: { publicKey: string; name: string },
    actor?: Actor,
  ): Promise<SigningKey>;
  /** What it has signed is refused from then on. Throws invalid_key when there is none of this id. */
  revokeSigningKey(tenant: TenantId, id: string, actor?: Actor): Promise<SigningKey>;
  /** Throws conflict while the tenant has no valid key. */
  requireSignatures(tenant: TenantId, required: boolean, actor?: Actor): Promise<SigningSettings>;
  /** All that have anything in the store. */
  listTenants(): AsyncIterable<TenantId>;
  /** Applies retentions, then removes what is deleted, or named by nothing, for so long that it is not needed again. */
  collectGarbage(tenant: TenantId, request?: CollectRequest): Promise<Collection>;

  /** Whether a request with this idempotency key is to be done, or was. Throws limit_exceeded, conflict. */
  beginOnce(tenant: TenantId, request: { key: string; requestDigest: string }): Promise<Once>;

  /** An operator's doing. Throws conflict where it was made before, limit_exceeded. */
  createTenant(tenant: TenantId, options?: CreateTenantOptions): Promise<TenantRecord>;
  /** Undefined for a tenant that was not made by createTenant. */
  getTenant(tenant: TenantId): Promise<TenantRecord | undefined>;
  /** The secret is returned here and never again; only its sha256 is stored. Throws limit_exceeded, invalid_expiry. */
  createKey(tenant: TenantId, description: string, options?: CreateKeyOptions): Promise<CreatedKey>;
  /** By id. Throws invalid_key for a place that no page has given. */
  listKeys(
    tenant: TenantId,
    page?: { after?: string; limit?: number },
  ): Promise<{ keys: KeySummary[]; next?: string }>;
  /** Another key in its place; both are valid for a while. Throws invalid_key, conflict, limit_exceeded. */
  rotateKey(id: string, options?: RotateKeyOptions): Promise<RotatedKey>;
  /** Throws invalid_key when there is none of this id, or where a tenant is given, none of it. */
  revokeKey(id: string, options?: { tenant?: TenantId; actor?: Actor }): Promise<KeyRecord>;
  /** Undefined for an unknown, malformed, revoked or expired secret. */
  authenticate(secret: string): Promise<Credential | undefined>;
}

const NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}$/;
const NAME_RULE =
  'Use lower-case letters, digits, "-", "_" and single ".", starting with a letter or digit, at most 64.';

/** Lower-case letters, digits, "-", "_" and "."; starts with a letter or digit; at most 64. Throws invalid_name. */
export function parseTenantId(value: string): TenantId {
  return checkName(value, "a tenant") as TenantId;
}

export function parseAdapterName(value: string): AdapterName {
  return checkName(value, "an adapter") as AdapterName;
}

/** As a name, and not digits alone, which would read as a version. Throws invalid_name. */
export function parseAlias(value: string): string {
  checkName(value, "an alias");
  if (!/^\d+$/.test(value)) return value;
  throw new RegistryError("invalid_name", `${value} is no name of an alias: digits alone mean a version.`);
}

/** Throws invalid_reference with the three forms. */
export function parseAdapterReference(value: string): AdapterReference {
  const [, name, mark, rest] = /^([^@:]*)(?:([@:])(.*))?$/s.exec(value) ?? [];
  try {
    if (name === undefined) throw referenceError(value);
    const adapter = parseAdapterName(name);
    if (mark === ":") return { name: adapter, version: parseVersion(value, rest ?? "") };
    return { name: adapter, alias: mark === "@" ? parseAlias(rest ?? "") : DEFAULT_ALIAS };
  } catch (error) {
    throw referenceError(value, error);
  }
}

function parseVersion(value: string, digits: string): number {
  const version = Number(digits);
  if (!/^[1-9]\d{0,7}$/.test(digits) || version > VERSION_MAX) throw referenceError(value);
  return version;
}

function checkName(value: string, what: string): string {
  if (NAME.test(value)) return value;
  throw new RegistryError("invalid_name", `${quoted(value)} is no name of ${what}. ${NAME_RULE}`);
}

function referenceError(value: string, cause?: unknown): RegistryError {
  const message = `${quoted(value)} names no adapter. Write "name" (its alias ${DEFAULT_ALIAS}), "name@alias" or "name:3" (version 3).`;
  return new RegistryError("invalid_reference", message, cause);
}

/** Values come from outside: shortened, and with control characters escaped. */
function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
