// The registry on one object store: each method is a file of this folder.
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { CheckAdapter, RegistryContext } from "./context.ts";
import { getDataset, putDataset } from "./datasets.ts";
import { createEnsureLayout } from "./ensure-layout.ts";
import { getJob, listUnfinishedJobs, putJob } from "./jobs.ts";
import { authenticate, createKey, listKeys, revokeKey } from "./keys.ts";
import {
  ALIAS_STALE_MS_MAX,
  ALIASES_CACHED_MAX,
  KEY_STALE_MS_MAX,
  KEYS_CACHED_MAX,
  MANIFEST_CACHE_BYTES_MAX,
  MANIFESTS_CACHED_MAX,
} from "./limits.ts";
import { listAdapters, listVersions } from "./list.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { readPackage } from "./package.ts";
import { publish } from "./publish.ts";
import { readFiles } from "./read-files.ts";
import { RecentReads } from "./recent-reads.ts";
import type { Registry } from "./registry.ts";
import { resolve } from "./resolve.ts";
import { setAlias } from "./set-alias.ts";

export interface RegistryOptions {
  readonly store: ObjectStore;
  readonly now?: () => Date;
  /** Secrets and nonces are made of these: a test may fix them, nothing else. */
  readonly randomBytes?: (count: number) => Uint8Array;
  /** Asked before anything of a version is written. Absent: files are kept as they come, whatever they hold. */
  readonly checkAdapter?: CheckAdapter;
}

/** Asks nothing of the store yet; call the store's check() first. */
export function createRegistry(options: RegistryOptions): Registry {
  const context = createContext(options);
  return {
    putDataset: (tenant, dataset) => putDataset(context, tenant, dataset),
    getDataset: (tenant, id) => getDataset(context, tenant, id),
    publish: (tenant, request) => publish(context, tenant, request),
    resolve: (tenant, reference) => resolve(context, tenant, reference),
    readFiles: (tenant, manifest) => readFiles(context, tenant, manifest),
    readPackage: (tenant, request) => readPackage(context, tenant, request),
    setAlias: (tenant, name, move) => setAlias(context, tenant, { name, ...move }),
    listAdapters: (tenant, page) => listAdapters(context, tenant, page),
    listVersions: (tenant, name, page) => listVersions(context, { tenant, name }, page),
    putJob: (tenant, id, record) => putJob(context, tenant, { id, record }),
    getJob: (tenant, id) => getJob(context, tenant, id),
    listUnfinishedJobs: () => listUnfinishedJobs(context),
    createKey: (tenant, description) => createKey(context, tenant, description),
    listKeys: (tenant) => listKeys(context, tenant),
    revokeKey: (id) => revokeKey(context, id),
    authenticate: (secret) => authenticate(context, secret),
  };
}

function createContext(options: RegistryOptions): RegistryContext {
  const { store, now = () => new Date() } = options;
  const nowMs = () => now().getTime();
  return {
    store,
    now,
    randomBytes: options.randomBytes ?? randomBytes,
    checkAdapter: options.checkAdapter ?? (() => undefined),
    manifests: new LRUCache({ max: MANIFESTS_CACHED_MAX, maxSize: MANIFEST_CACHE_BYTES_MAX }),
    aliases: new RecentReads({ ageMsMax: ALIAS_STALE_MS_MAX, entriesMax: ALIASES_CACHED_MAX, nowMs }),
    keys: new RecentReads({ ageMsMax: KEY_STALE_MS_MAX, entriesMax: KEYS_CACHED_MAX, nowMs }),
    ensureLayout: createEnsureLayout(store),
  };
}
