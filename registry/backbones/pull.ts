// Pulls a backbone's files into the cache folder, verified by sha256, resumable, Hub first.
import type { Backbone } from "#model";

export interface BackboneEntry {
  readonly id: string;
  readonly folder: string;
  readonly digest: string;
  readonly bytes: number;
}

export interface PullProgress {
  readonly file: string;
  readonly source: string;
  readonly bytes: number;
  readonly bytesTotal: number;
}

export const DEFAULT_BACKBONE = "sentence-transformers/all-MiniLM-L6-v2";

/** $SOFTGATE_CACHE, else the platform's user cache folder + "/softgate"; backbones are below "backbones/". */
export declare function backboneCacheFolder(): string;
/** An id of the catalog, any Hub id "owner/name[@revision]", or a path to a folder. Idempotent. */
export declare function pullBackbone(
  idOrPath: string,
  options?: { onProgress?: (progress: PullProgress) => void; signal?: AbortSignal },
): Promise<BackboneEntry>;
export declare function listBackbones(): Promise<(BackboneEntry & { source: string })[]>;
/** Reads and verifies the folder. Throws RegistryError backbone_not_found, backbone_corrupt. */
export declare function loadBackbone(entry: { id: string; folder: string }): Promise<Backbone>;
