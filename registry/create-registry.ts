// The registry on one object store: each method is a file of this folder.
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { listAudit } from "./audit.ts";
import { type BeforeSwitch, prepareSwitch } from "./before-switch.ts";
import type { CheckAdapter, RegistryContext } from "./context.ts";
import { getDataset, getDatasetRecord, openDataset, putDataset } from "./datasets.ts";
import { createEnsureLayout } from "./ensure-layout.ts";
import { findTestSet, recordEvaluation } from "./evaluations.ts";
import { addFeedback, deleteFeedback, listFeedback, readFeedback } from "./feedback.ts";
import { collectGarbage } from "./gc/collect-garbage.ts";
import { listHistory } from "./history.ts";
import { authenticate, createKey, listKeys, revokeKey } from "./keys.ts";
import {
  ALIAS_REFRESH_MS,
  ALIAS_STALE_MS_MAX,
  KEY_REFRESH_MS,
  KEY_STALE_MS_MAX,
  KEYS_CACHED_MAX,
  MANIFEST_CACHE_BYTES_MAX,
  MANIFESTS_CACHED_MAX,
  RATE_LIMITS_CACHED_MAX,
  RATE_LIMITS_REFRESH_MS,
  RATE_LIMITS_STALE_MS_MAX,
  RESTORE_MS_DEFAULT,
  SIGNING_CACHED_MAX,
  SIGNING_REFRESH_MS,
  SIGNING_STALE_MS_MAX,
  STATES_CACHED_MAX,
} from "./limits.ts";
import { listAdapters } from "./list-adapters.ts";
import { getAlias, listAliases } from "./list-aliases.ts";
import { listDatasets } from "./list-datasets.ts";
import { listVersions } from "./list-versions.ts";
import { type AdapterDisk, type AdapterFilesObserver, NO_FILES_OBSERVER } from "./local-disk/adapter-disk.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { beginOnce } from "./once.ts";
import { readPackage } from "./package.ts";
import { protectAlias } from "./protect-alias.ts";
import { publish } from "./publish.ts";
import { getUsage, requireRoom } from "./quota.ts";
import { readFiles } from "./read-files.ts";
import { RecentReads } from "./recent-reads.ts";
import type { Registry } from "./registry.ts";
import { deleteAdapter, requirePublishable, restoreAdapter } from "./remove-adapter.ts";
import { deleteVersion, restoreVersion } from "./remove-version.ts";
import { resolve } from "./resolve.ts";
import { getRetention, setRetention } from "./retention.ts";
import { rollback } from "./rollback.ts";
import { rotateKey } from "./rotate-key.ts";
import { setAlias } from "./set-alias.ts";
import { findShadow, getShadow, setShadow } from "./shadow.ts";
import { requireSigner } from "./signing/require-signed.ts";
import { addSigningKey, readSigning, requireSignatures, revokeSigningKey } from "./signing/signing-record.ts";
import { getRateLimits, setTenantLimits } from "./tenant-limits.ts";
import { createTenant, getTenant } from "./tenants.ts";
import { beginUpload, completeUpload, findUpload, openUpload, refuseUpload } from "./uploads.ts";
import { recountUsage } from "./usage.ts";
import { tenantsOf } from "./walk-store.ts";

export interface RegistryOptions {
  readonly store: ObjectStore;
  readonly now?: () => Date;
  /** What was deleted can be restored for so long. Default RESTORE_MS_DEFAULT. */
  readonly restoreMs?: number;
  /** Secrets and nonces are made of these: a test may fix them, nothing else. */
  readonly randomBytes?: (count: number) => Uint8Array;
  /** Asked before anything of a version is written. Absent: files are kept as they come, whatever they hold. */
  readonly checkAdapter?: CheckAdapter;
  /** Where adapters' files are kept on this machine, when the store is elsewhere. Closed by who opened it. */
  readonly disk?: AdapterDisk | undefined;
  readonly filesObserver?: AdapterFilesObserver;
  /**
   * Called with a version that an alias is about to lead requests of this process to, so that it can be loaded
   * first. Waited for, within bounds; what it rejects with is ignored.
   */
  readonly beforeSwitch?: BeforeSwitch;
}

/** Asks nothing of the store yet; call the store's check() first. */
export function createRegistry(options: RegistryOptions): Registry {
  const { store } = options;
  const context = createContext(options);
  return {
    putDataset: (tenant, dataset) => putDataset(context, tenant, dataset),
    getDataset: (tenant, id) => getDataset(context, tenant, id),
    listDatasets: (tenant, page) => listDatasets(context, tenant, page),
    openDataset: (tenant, id) => openDataset(context, tenant, id),
    describeDataset: (tenant, id) => getDatasetRecord(context, tenant, id),
    beginUpload: (tenant, upload) => beginUpload(context, tenant, upload),
    findUpload: (tenant, id) => findUpload(context, tenant, id),
    openUpload: (tenant, upload) => openUpload(context, tenant, upload),
    completeUpload: (tenant, completion) => completeUpload(context, tenant, completion),
    refuseUpload: (tenant, upload) => refuseUpload(context, tenant, upload),
    publish: (tenant, request) => publish(context, tenant, request),
    resolve: (tenant, reference) => resolve(context, tenant, reference),
    readFiles: (tenant, manifest) => readFiles(context, tenant, manifest),
    readPackage: (tenant, request) => readPackage(context, tenant, request),
    requirePublishable: async (tenant, name, signer) => {
      await requirePublishable(context, { tenant, name });
      await requireSigner(context, tenant, signer);
      await requireRoom(context, { tenant, name });
    },
    setAlias: (tenant, name, move) => setAlias(context, tenant, { name, ...move }),
    rollback: (tenant, name, request) => rollback(context, tenant, { name, ...request }),
    getAlias: (tenant, name, alias) => getAlias(context, { tenant, name }, alias),
    listAliases: (tenant, name) => listAliases(context, { tenant, name }),
    protectAlias: (tenant, name, request) => protectAlias(context, { tenant, name }, request),
    findTestSet: (tenant, name, alias) => findTestSet(context, { tenant, name }, alias),
    recordEvaluation: (tenant, name, evaluation) => recordEvaluation(context, { tenant, name }, evaluation),
    listHistory: (tenant, name, page) => listHistory(context, { tenant, name }, page),
    deleteAdapter: (tenant, name, options) => deleteAdapter(context, { tenant, name }, options),
    restoreAdapter: (tenant, name, options) => restoreAdapter(context, { tenant, name }, options),
    setRetention: (tenant, name, request) => setRetention(context, { tenant, name }, request),
    getRetention: (tenant, name) => getRetention(context, { tenant, name }),
    deleteVersion: (tenant, name, change) => deleteVersion(context, { tenant, name }, change),
    restoreVersion: (tenant, name, change) => restoreVersion(context, { tenant, name }, change),
    listAudit: (tenant, page) => listAudit(context, tenant, page),
    listAdapters: (tenant, page) => listAdapters(context, tenant, page),
    listVersions: (tenant, name, page) => listVersions(context, { tenant, name }, page),
    getUsage: (tenant) => getUsage(context, tenant),
    recountUsage: (tenant) => recountUsage(context, tenant),
    listTenants: () => tenantsOf(store),
    collectGarbage: (tenant, request) => collectGarbage(context, tenant, request),
    setTenantLimits: (tenant, limits, actor) =>
      setTenantLimits(context, tenant, { limits, ...(actor && { actor }) }),
    getRateLimits: (tenant) => getRateLimits(context, tenant),
    getSigning: (tenant) => readSigning(context, tenant),
    addSigningKey: (tenant, key, actor) =>
      addSigningKey(context, tenant, { ...key, ...(actor && { actor }) }),
    revokeSigningKey: (tenant, id, actor) =>
      revokeSigningKey(context, tenant, { id, ...(actor && { actor }) }),
    requireSignatures: (tenant, required, actor) =>
      requireSignatures(context, tenant, { required, ...(actor && { actor }) }),
    beginOnce: (tenant, request) => beginOnce(context, tenant, request),
    ...feedbackOf(context),
    ...keysOf(context),
  };
}

/** What adapters should have answered, and what is asked beside them. */
function feedbackOf(context: RegistryContext) {
  return {
    addFeedback: (tenant, name, feedback) => addFeedback(context, { tenant, name }, feedback),
    listFeedback: (tenant, name, page) => listFeedback(context, { tenant, name }, page),
    readFeedback: (tenant, name) => readFeedback(context, { tenant, name }),
    deleteFeedback: (tenant, name, feedback) => deleteFeedback(context, { tenant, name }, feedback),
    setShadow: (tenant, name, request) => setShadow(context, { tenant, name }, request),
    getShadow: (tenant, name) => getShadow(context, { tenant, name }),
    findShadow: (tenant, name) => findShadow(context, { tenant, name }),
  } satisfies Partial<Registry>;
}

/** Tenants made by name, and what speaks for a tenant. */
function keysOf(context: RegistryContext) {
  return {
    createTenant: (tenant, options = {}) => createTenant(context, tenant, options),
    getTenant: (tenant) => getTenant(context, tenant),
    createKey: (tenant, description, options = {}) => createKey(context, tenant, { description, ...options }),
    listKeys: (tenant, page) => listKeys(context, tenant, page),
    rotateKey: (id, options) => rotateKey(context, id, options),
    revokeKey: (id, options) => revokeKey(context, id, options),
    authenticate: (secret) => authenticate(context, secret),
  } satisfies Partial<Registry>;
}

function createContext(options: RegistryOptions): RegistryContext {
  const { store, now = () => new Date(), beforeSwitch } = options;
  const nowMs = () => now().getTime();
  const context: RegistryContext = {
    store,
    now,
    restoreMs: options.restoreMs ?? RESTORE_MS_DEFAULT,
    randomBytes: options.randomBytes ?? randomBytes,
    checkAdapter: options.checkAdapter ?? (() => undefined),
    manifests: new LRUCache({ max: MANIFESTS_CACHED_MAX, maxSize: MANIFEST_CACHE_BYTES_MAX }),
    states: new RecentReads({
      ageMsMax: ALIAS_STALE_MS_MAX,
      refreshMs: ALIAS_REFRESH_MS,
      entriesMax: STATES_CACHED_MAX,
      nowMs,
    }),
    keys: new RecentReads({
      ageMsMax: KEY_STALE_MS_MAX,
      refreshMs: KEY_REFRESH_MS,
      entriesMax: KEYS_CACHED_MAX,
      nowMs,
    }),
    signing: new RecentReads({
      ageMsMax: SIGNING_STALE_MS_MAX,
      refreshMs: SIGNING_REFRESH_MS,
      entriesMax: SIGNING_CACHED_MAX,
      nowMs,
    }),
    rateLimits: new RecentReads({
      ageMsMax: RATE_LIMITS_STALE_MS_MAX,
      refreshMs: RATE_LIMITS_REFRESH_MS,
      entriesMax: RATE_LIMITS_CACHED_MAX,
      nowMs,
    }),
    verified: new WeakMap(),
    disk: options.disk,
    filesObserver: options.filesObserver ?? NO_FILES_OBSERVER,
    prepareSwitch: async (owner, version) => {
      if (beforeSwitch) await prepareSwitch(context, owner, { version, beforeSwitch });
    },
    ensureLayout: createEnsureLayout(store),
  };
  return context;
}
