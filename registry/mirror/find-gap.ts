// What the target lacks of one adapter.
import { type AdapterState, EMPTY_STATE, isGoneForGood } from "../adapter-state.ts";
import { versionOfKey } from "../layout.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import type { Pair } from "./side.ts";

export interface Gap {
  readonly versions: readonly number[];
  /** Keys. */
  readonly evaluations: readonly string[];
  readonly segments: readonly number[];
  /** The newest number that was taken at the source, where it is free at the target. */
  readonly claim: number | undefined;
  readonly isStateOther: boolean;
}

/** Undefined where the target has all of it. */
export function findGap({ source, target }: Pair): Gap | undefined {
  const state = source.state?.value ?? EMPTY_STATE;
  // What is deleted goes along, so that it can be restored there too; what is gone for good does not.
  const needed = new Set([...source.versions.keys()].filter((version) => !isGoneForGood(state, version)));
  const versions = [...needed].filter((version) => !target.versions.has(version));
  const evaluations = [...source.evaluations].filter(
    (key) => needed.has(versionOfKey(key)) && !target.evaluations.has(key),
  );
  const segments = segmentsOf(state).filter((segment) => !target.segments.has(segment));
  const [newestClaim] = source.claims;
  const claim = newestClaim === undefined || target.claims.has(newestClaim) ? undefined : newestClaim;
  const isStateOther = !isEqual(source.state?.bytes, target.state?.bytes);
  const missing = versions.length + evaluations.length + segments.length;
  if (missing === 0 && claim === undefined && !isStateOther) return undefined;
  return { versions, evaluations, segments, claim, isStateOther };
}

/** Those that hold what the log does not. */
export function segmentsOf({ log }: AdapterState): number[] {
  const changes = (log[0]?.sequence ?? 1) - 1;
  return Array.from({ length: Math.floor(changes / HISTORY_SEGMENT_CHANGES) }, (_, index) => index + 1);
}

function isEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left === right || (left !== undefined && right !== undefined && Buffer.compare(left, right) === 0);
}
