// What the steps of a collection share, and what they tell.
import type { Actor } from "../change.ts";
import type { RegistryContext } from "../context.ts";
import type { TenantId } from "../registry.ts";

export const removedKinds = ["expired", "adapter", "version", "claim", "blob", "waiting"] as const;

/**
 * expired: a version, deleted by the retention of its adapter; it can be restored for the window. adapter, version:
 * removed for good, after the window; bytes are those of the files that it names. claim: the number of a publish that
 * died. blob: one copy of it, removed. waiting: a blob that nothing names; a later collection removes it.
 */
export interface Removed {
  readonly kind: (typeof removedKinds)[number];
  /** An adapter's name, "name:3", or a blob's key. */
  readonly name: string;
  readonly bytes: number;
}

export interface CollectionProgress {
  adapters: number;
  blobs: number;
}

/** One collection of one tenant's garbage. */
export interface Collecting {
  readonly context: RegistryContext;
  readonly tenant: TenantId;
  /** Nothing is changed. */
  readonly dryRun: boolean;
  readonly actor: Actor | undefined;
  /** By the store's clock: younger than the grace time, when this collection began. */
  readonly isYoung: (modifiedMs: number) => boolean;
  readonly tell: (removed: Removed) => void;
  readonly looked: (more: Partial<CollectionProgress>) => void;
}
