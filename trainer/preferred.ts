// The candidates that a training knows before it has seen a row: scales and shifts everywhere, and none at all.
import type { Backbone } from "#model";
import type { Preferred } from "./settings.ts";
import type { InsertionPlace } from "./spt/insertions.ts";
import { type Candidate, hasInsertions } from "./validate-candidates.ts";

export function scalesEverywhere({ config }: Backbone): InsertionPlace[] {
  return Array.from({ length: config.layers }, (_, layer) => ({ kind: "scale_shift", layer }));
}

export function isEverywhere(candidate: Candidate, { config }: Backbone): boolean {
  return (
    hasInsertions(candidate) &&
    candidate.insertions.length === config.layers &&
    candidate.insertions.every(({ kind }) => kind === "scale_shift")
  );
}

/** Whether it is the candidate that gives way only to what is clearly better. */
export function isOfKind(candidate: Candidate, kind: Preferred | undefined, backbone: Backbone): boolean {
  switch (kind) {
    case "scales_everywhere":
      return isEverywhere(candidate, backbone);
    case "no_insertions":
      return candidate === undefined;
    default:
      return false;
  }
}
