// What every operation of the registry shares: the store, the clock, randomness and the caches.
import type { LRUCache } from "lru-cache";
import type { StateRecord } from "./adapter-state.ts";
import type { RateLimits } from "./change.ts";
import type { KeyRecord } from "./key-record.ts";
import type { AdapterOwner } from "./layout.ts";
import type { AdapterDisk, AdapterFilesObserver } from "./local-disk/adapter-disk.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import type { RecentReads } from "./recent-reads.ts";
import type { PublishRequest, ResolvedAdapter } from "./registry.ts";
import type { Trust, Verified } from "./signing/require-signed.ts";

/**
 * Throws when an adapter's files are damaged or do not fit what its manifest says. This room knows no tensors:
 * who wires it to the model passes the function in.
 */
export type CheckAdapter = (files: PublishRequest["files"], manifest: PublishRequest["manifest"]) => void;

export interface RegistryContext {
  readonly store: ObjectStore;
  readonly now: () => Date;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly checkAdapter: CheckAdapter;
  /** For so long what was deleted can be restored. */
  readonly restoreMs: number;
  /** By object key. Manifests never change, so they are never stale. */
  readonly manifests: LRUCache<string, ResolvedAdapter>;
  /** By object key. */
  readonly states: RecentReads<StateRecord>;
  /** By object key. */
  readonly keys: RecentReads<KeyRecord>;
  /** By object key. */
  readonly signing: RecentReads<Trust>;
  /** By object key. */
  readonly rateLimits: RecentReads<RateLimits>;
  readonly verified: Verified;
  /** Copies of adapters' files on this machine; undefined without. */
  readonly disk: AdapterDisk | undefined;
  readonly filesObserver: AdapterFilesObserver;
  /** Before an alias leads requests of this process to that version. Never rejects, and has an end. */
  readonly prepareSwitch: (owner: AdapterOwner, version: number) => Promise<void>;
  /** Resolves once the store's layout is known to be this one. */
  readonly ensureLayout: () => Promise<void>;
}

/** Tells one writer's bytes from another's. */
export function createNonce({ randomBytes }: Pick<RegistryContext, "randomBytes">): string {
  return Buffer.from(randomBytes(16)).toString("hex");
}
