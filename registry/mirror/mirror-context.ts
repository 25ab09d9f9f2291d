// What the parts of a mirror share: the two stores, what is bounded over all of them, and the counts.
import type { LRUCache } from "lru-cache";
import type { RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import type { AdapterOwner } from "../layout.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import type { Gate } from "./gate.ts";

export interface MirrorCount {
  readonly adapters: { changed: number; unchanged: number; diverged: number };
  /** Adapters, datasets and entries of the audit that could not be mirrored, or not in full. */
  failed: number;
  versions: number;
  blobs: number;
  datasets: number;
  /** Of blobs and manifests that were sent. */
  bytes: number;
}

export interface MirrorContext {
  /** Never written. */
  readonly source: ObjectStore;
  readonly target: ObjectStore;
  /** Whether changes that were made at the target alone are given up. */
  readonly force: boolean;
  /** Sendings at once, over all adapters. */
  readonly turns: Gate;
  /** Bytes of files that are held at once. */
  readonly room: Gate;
  /** The target, for what keeps its blobs from being collected. */
  readonly keeper: Pick<RegistryContext, "store" | "now" | "randomBytes">;
  /** By key and size: those that were lately sent, or found, in this run, or are being sent. */
  readonly blobs: LRUCache<string, Promise<void>>;
  readonly total: MirrorCount;
  /** Called with the total after each adapter and each blob. What it throws ends the mirror. */
  readonly onProgress: (total: MirrorCount) => void;
}

/** problem: a clause, about the adapter; remedy: a sentence. */
export function diverged(
  { tenant, name }: AdapterOwner,
  { problem, remedy }: { problem: string; remedy: string },
): RegistryError {
  const message = `Adapter ${name} of tenant ${tenant} is not what it was at the source: ${problem}. ${remedy}`;
  return new RegistryError("mirror_diverged", message);
}
