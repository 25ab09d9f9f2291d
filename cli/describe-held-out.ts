// What held-out rows told of an adapter, in words: where more examples would help, and which to look at.
import type { TrainingReport } from "#trainer/job";

const NAMED_MAX = 3;

/** The messages of the labels that need examples most. */
export function describeAdvice({ advice }: Pick<TrainingReport, "advice">): string[] {
  return advice.slice(0, NAMED_MAX).map(({ message }) => message);
}

/** "row 12 (refund, looks like shipping), …, and 4 more". */
export function describeSuspects({
  suspects,
  suspectsFound,
}: Pick<TrainingReport["heldOut"], "suspects" | "suspectsFound">): string | undefined {
  const named = suspects
    .slice(0, NAMED_MAX)
    .map(({ row, label, guess }) => `row ${row} (${label}, looks like ${guess})`);
  const rest = suspectsFound - named.length;
  return [...named, ...(rest > 0 ? [`and ${rest} more`] : [])].join(", ") || undefined;
}
