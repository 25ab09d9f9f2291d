// What a user should know about a dataset that is accepted all the same.
import { type DatasetWarning, EXAMPLES_LEARNED_MAX } from "./dataset.ts";
import type { LabelUse } from "./dataset-builder.ts";
import { grouped, listed, plural, quoted } from "./refuse.ts";

const ROWS_LISTED_MAX = 10;
/** In words; further ones are in the lists of rows. */
const PAIRS_SAID_MAX = 3;
/** Below this, the scores measured for a class say little. */
const SMALL_CLASS_BELOW = 8;
const UNBALANCED_ABOVE = 20;

/** How many rows, and which were the first. */
export class RowTally {
  count = 0;
  readonly first: number[] = [];

  add(row: number): void {
    this.count += 1;
    if (this.first.length < ROWS_LISTED_MAX) this.first.push(row);
  }
}

export interface LabelledRow {
  readonly row: number;
  readonly label: string;
}

export interface RowPair {
  readonly first: LabelledRow;
  readonly second: LabelledRow;
}

/** How many pairs of rows, and which were the first. */
export class PairTally {
  count = 0;
  readonly first: RowPair[] = [];

  /** `pair` is called only for one of the first. */
  add(pair: () => RowPair): void {
    this.count += 1;
    if (this.first.length < ROWS_LISTED_MAX) this.first.push(pair());
  }
}

export function warnTrimmed(rows: RowTally): DatasetWarning[] {
  const [first] = rows.first;
  if (first === undefined) return [];
  const message = `Spaces around ${plural(rows.count, "label")} were removed, first in row ${first}.`;
  return [{ code: "labels_trimmed", message, rows: rows.first }];
}

export function warnDuplicates(duplicates: PairTally): DatasetWarning[] {
  const what = `${plural(duplicates.count, "row")} repeat${duplicates.count === 1 ? "s" : ""}`;
  return warnPairs("duplicate_rows", duplicates, {
    what: `${what} an earlier one, text and label`,
    say: ({ first, second }) => `row ${second.row} repeats row ${first.row}`,
  });
}

/** All of them are learned: which label is right, only who gave them knows. */
export function warnConflicts(conflicts: PairTally): DatasetWarning[] {
  const what =
    conflicts.count === 1
      ? "1 row has the text of an earlier one and another label"
      : `${grouped(conflicts.count)} rows have the texts of earlier ones and other labels`;
  return warnPairs("conflicting_labels", conflicts, { what, say: sayLabels });
}

export function warnSimilarConflicts(conflicts: PairTally): DatasetWarning[] {
  const what =
    conflicts.count === 1
      ? "1 row differs from an earlier one in case, spaces and punctuation alone, and has another label"
      : `${grouped(conflicts.count)} rows differ from earlier ones in case, spaces and punctuation alone, and have other labels`;
  return warnPairs("similar_rows_conflict", conflicts, { what, say: sayLabels });
}

function sayLabels({ first, second }: RowPair): string {
  return `row ${second.row} says ${quoted(second.label)} and row ${first.row} ${quoted(first.label)}`;
}

function warnPairs(
  code: DatasetWarning["code"],
  { count, first: found }: PairTally,
  { what, say }: { what: string; say: (pair: RowPair) => string },
): DatasetWarning[] {
  if (found.length === 0) return [];
  const rest = count - PAIRS_SAID_MAX;
  const said = found.slice(0, PAIRS_SAID_MAX).map(say).join(", ");
  return [
    {
      code,
      message: `${what}: ${said}${rest > 0 ? `, and ${grouped(rest)} more` : ""}.`,
      rows: found.map(({ second }) => second.row),
      pairs: found.map(({ first, second }) => [first.row, second.row] as const),
    },
  ];
}

export function warnClassSizes(uses: readonly LabelUse[]): DatasetWarning[] {
  const warnings: DatasetWarning[] = [];
  const bySize = uses.toSorted((a, b) => a.count - b.count || a.firstRow - b.firstRow);
  const small = bySize.filter(({ count }) => count < SMALL_CLASS_BELOW);
  if (small.length > 0) {
    const names = listed(small.map(({ label }) => label));
    const have = small.length === 1 ? "label has" : "labels have";
    warnings.push({
      code: "small_class",
      message: `${grouped(small.length)} ${have} fewer than ${SMALL_CLASS_BELOW} examples: ${names}.`,
      rows: small.slice(0, ROWS_LISTED_MAX).map(({ firstRow }) => firstRow),
    });
  }
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  if (smallest && largest && largest.count > UNBALANCED_ABOVE * smallest.count) {
    const sizes = [largest, smallest].map(
      ({ label, count }) => `${quoted(label)} has ${plural(count, "example")}`,
    );
    warnings.push({
      code: "unbalanced_classes",
      message: `The classes are unbalanced: ${sizes.join(", ")}.`,
    });
  }
  return warnings;
}

export function warnSampled(examples: number): DatasetWarning[] {
  if (examples <= EXAMPLES_LEARNED_MAX) return [];
  const some = `${grouped(EXAMPLES_LEARNED_MAX)} of the ${grouped(examples)} examples`;
  const message = `A training learns from ${some}, drawn from every label in its share.`;
  return [{ code: "rows_sampled", message }];
}
