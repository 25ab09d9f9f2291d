// One adapter as one of the two stores has it: its state, and what a listing tells of the rest.
import { type AdapterState, stateSchema } from "../adapter-state.ts";
import {
  type AdapterOwner,
  adapterPrefix,
  describeKey,
  lastSegment,
  stateKey,
  versionOfKey,
} from "../layout.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { readRecord } from "../records.ts";
import { objectPages } from "../walk-store.ts";

export interface Side {
  /** Undefined before the first change. */
  readonly state:
    | { readonly value: AdapterState; readonly bytes: Uint8Array; readonly etag: string }
    | undefined;
  /** The sizes of their manifests. */
  readonly versions: ReadonlyMap<number, number>;
  /** Numbers that were taken, the newest first. */
  readonly claims: ReadonlySet<number>;
  /** The keys of versions' figures on test sets. */
  readonly evaluations: ReadonlySet<string>;
  readonly segments: ReadonlySet<number>;
  /** When any of it was last written, by the store's clock; 0 where nothing is there. */
  readonly newestMs: number;
}

export interface Pair {
  readonly source: Side;
  readonly target: Side;
}

/**
 * The state first: all that it names was there before it, and is listed after it. Throws blob_corrupt,
 * store_unreachable, store_refused.
 */
export async function readSide(store: ObjectStore, owner: AdapterOwner): Promise<Side> {
  const state = await readRecord(store, stateKey(owner), stateSchema);
  const versions = new Map<number, number>();
  const segments = new Set<number>();
  const claims = new Set<number>();
  const evaluations = new Set<string>();
  let newestMs = 0;
  for await (const page of objectPages(store, adapterPrefix(owner))) {
    for (const { key, bytes, modifiedMs } of page) {
      newestMs = Math.max(newestMs, modifiedMs);
      const kind = describeKey(key)?.kind;
      if (kind === "manifest") versions.set(versionOfKey(key), bytes);
      else if (kind === "claim") claims.add(versionOfKey(key));
      else if (kind === "evaluation") evaluations.add(key);
      else if (kind === "segment") segments.add(Number(lastSegment(key).replace(".json", "")));
    }
  }
  return { state, versions, claims, evaluations, segments, newestMs };
}

export function isEmpty({ state, versions, claims }: Side): boolean {
  return state === undefined && versions.size === 0 && claims.size === 0;
}
