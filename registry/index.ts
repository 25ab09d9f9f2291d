// The door of the registry. No tensors, no HTTP.

export { adapterCacheFolder } from "./cache-folder.ts";
export {
  type Actor,
  type AdapterChange,
  type AuditEntry,
  adapterChangeSchema,
  auditEntrySchema,
  type ChangeOptions,
  type PromotionRule,
  promotionRuleSchema,
  type Retention,
  retentionSchema,
  shadowSchema,
} from "./change.ts";
export type { CheckAdapter } from "./context.ts";
export { createRegistry } from "./create-registry.ts";
export { datasetSummarySchema } from "./dataset-record.ts";
export { requireKnownLayout } from "./ensure-layout.ts";
export { RegistryError, type RegistryErrorCode } from "./errors.ts";
export type { NewEvaluation, StoredEvaluation } from "./evaluations.ts";
export { feedbackSchema } from "./feedback.ts";
export { type CheckStoreOptions, checkStore, type StoreCheck } from "./fsck/check-store.ts";
export type { Finding } from "./fsck/findings.ts";
export type { Collection } from "./gc/collect-garbage.ts";
export type { Removed } from "./gc/collecting.ts";
export { allows, type Credential, KEY_SCOPES, type KeyRecord, type KeyScope } from "./key-record.ts";
export { KeyUses } from "./key-uses.ts";
export { latestVersionSchema } from "./latest-version.ts";
export {
  ADAPTER_DISK_BYTES_DEFAULT,
  ADAPTERS_PER_PAGE_MAX,
  ALIAS_STALE_MS_MAX,
  DATASET_BYTES_MAX,
  DATASETS_PER_PAGE_MAX,
  GARBAGE_AGE_MS_MIN,
  KEEP_DAYS_MAX,
  KEEP_VERSIONS_MAX,
  KEY_DESCRIPTION_LENGTH_MAX,
  KEY_OVERLAP_MS_DEFAULT,
  KEY_OVERLAP_MS_MAX,
  KEYS_PER_PAGE_MAX,
  ONCE_UNRENEWED_MS_MAX,
  WARM_ADAPTERS_MAX,
} from "./limits.ts";
export { AdapterDisk, type AdapterFilesObserver } from "./local-disk/adapter-disk.ts";
export { readWarmRecord, type WarmAdapter, writeWarmRecord } from "./local-disk/warm-record.ts";
export { digestSchema, type Manifest, manifestSchema, originSchema } from "./manifest.ts";
export type { ObjectStore } from "./object-store/object-store.ts";
export { folderOfStore, isOnThisMachine, openObjectStore } from "./object-store/open.ts";
export { type R2Binding, R2BindingStore } from "./object-store/r2-binding.ts";
export {
  createTenantCredentials,
  type TenantCredentials,
  type TenantCredentialsRequest,
} from "./object-store/sts.ts";
export type { Once, OnceBegun } from "./once.ts";
export {
  isPackageFile,
  type PackageFile,
  type PackageFiles,
  packageFileBytesMax,
  publishPackage,
  unpackPackage,
} from "./package.ts";
export {
  type AdapterName,
  type AdapterReference,
  type AdapterSummary,
  type AdaptersPage,
  type AliasMove,
  type AliasSummary,
  type DatasetRecord,
  type DatasetSummary,
  DEFAULT_ALIAS,
  type KeySummary,
  type PublishedAdapter,
  type PublishRequest,
  parseAdapterName,
  parseAdapterReference,
  parseAlias,
  parseTenantId,
  type Registry,
  type ResolvedAdapter,
  type TenantId,
  type Usage,
  type VersionSummary,
} from "./registry.ts";
export type { RevisionOptions } from "./revision.ts";
export { createSigner, createSigningKey, type Signer } from "./signing/signing-key.ts";
export type { SigningKey, SigningSettings } from "./signing/signing-record.ts";
export { putBackbone, readStoredBackbone, type StoredBackbone } from "./stored-backbone.ts";
export { type SessionPolicy, tenantSessionPolicy } from "./tenant-session-policy.ts";
export type { UploadRecord } from "./uploads.ts";
export { storeTimeMs } from "./walk-store.ts";
