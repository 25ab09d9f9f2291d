// The candidates that a training knows before it has seen a row: the same insertions at every layer, and none at all.
import type { Backbone } from "#model";
import type { Preferred } from "./settings.ts";
import type { InsertionPlace } from "./spt/insertions.ts";
import { type Candidate, hasInsertions } from "./validate-candidates.ts";

type Kinds = readonly InsertionPlace["kind"][];

export function everywhere({ config }: Backbone, kinds: Kinds): InsertionPlace[] {
  return Array.from({ length: config.layers }, (_, layer) => kinds.map((kind) => ({ kind, layer }))).flat();
}

/** Whether it has these kinds at every layer, and nothing else. */
export function isEverywhere(candidate: Candidate, backbone: Backbone, kinds: Kinds): boolean {
  if (!hasInsertions(candidate)) return false;
  const expected = everywhere(backbone, kinds);
  const has = ({ kind, layer }: InsertionPlace) =>
    candidate.insertions.some((one) => one.kind === kind && one.layer === layer);
  return candidate.insertions.length === expected.length && expected.every(has);
}

/** Whether it is the candidate that gives way only to what is clearly better. */
export function isPreferred(
  candidate: Candidate,
  { preferred, everywhere: kinds }: { preferred?: Preferred; everywhere: Kinds },
  backbone: Backbone,
): boolean {
  switch (preferred) {
    case "everywhere":
      return isEverywhere(candidate, backbone, kinds);
    case "no_insertions":
      return candidate === undefined;
    default:
      return false;
  }
}
