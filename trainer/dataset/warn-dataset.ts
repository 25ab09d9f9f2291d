// What a user should know about a dataset that is accepted all the same.
import type { LabelUse } from "./check-dataset.ts";
import type { RawRow } from "./columns.ts";
import type { DatasetWarning } from "./dataset.ts";
import type { RowPair } from "./find-repeats.ts";
import { grouped, listed, plural, quoted } from "./refuse.ts";

const ROWS_LISTED_MAX = 10;
/** In words; further ones are in the lists of rows. */
const PAIRS_SAID_MAX = 3;
/** Below this, the scores measured for a class say little. */
const SMALL_CLASS_BELOW = 8;
const UNBALANCED_ABOVE = 20;

export function warnTrimmed(rows: readonly RawRow[]): DatasetWarning[] {
  return warnRows(
    "labels_trimmed",
    rows.filter(({ label }) => label !== label.trim()),
    (count) => `Spaces around ${plural(count, "label")} were removed`,
  );
}

export function warnDuplicates(duplicates: readonly RowPair[]): DatasetWarning[] {
  const what = `${plural(duplicates.length, "row")} repeat${duplicates.length === 1 ? "s" : ""}`;
  return warnPairs("duplicate_rows", duplicates, {
    what: `${what} an earlier one, text and label`,
    say: ({ first, second }) => `row ${second.row} repeats row ${first.row}`,
  });
}

export function warnSimilarConflicts(conflicts: readonly RowPair[]): DatasetWarning[] {
  const what =
    conflicts.length === 1
      ? "1 row differs from an earlier one in case, spaces and punctuation alone, and has another label"
      : `${grouped(conflicts.length)} rows differ from earlier ones in case, spaces and punctuation alone, and have other labels`;
  return warnPairs("similar_rows_conflict", conflicts, {
    what,
    say: ({ first, second }) =>
      `row ${second.row} says ${quoted(second.label.trim())} and row ${first.row} ${quoted(first.label.trim())}`,
  });
}

function warnPairs(
  code: DatasetWarning["code"],
  found: readonly RowPair[],
  { what, say }: { what: string; say: (pair: RowPair) => string },
): DatasetWarning[] {
  if (found.length === 0) return [];
  const rest = found.length - PAIRS_SAID_MAX;
  const said = found.slice(0, PAIRS_SAID_MAX).map(say).join(", ");
  const listedPairs = found.slice(0, ROWS_LISTED_MAX);
  return [
    {
      code,
      message: `${what}: ${said}${rest > 0 ? `, and ${grouped(rest)} more` : ""}.`,
      rows: listedPairs.map(({ second }) => second.row),
      pairs: listedPairs.map(({ first, second }) => [first.row, second.row] as const),
    },
  ];
}

function warnRows(
  code: DatasetWarning["code"],
  rows: readonly RawRow[],
  describe: (count: number) => string,
): DatasetWarning[] {
  const [first] = rows;
  if (!first) return [];
  const message = `${describe(rows.length)}, first in row ${first.row}.`;
  return [{ code, message, rows: rows.slice(0, ROWS_LISTED_MAX).map(({ row }) => row) }];
}

export function warnClassSizes(uses: ReadonlyMap<string, LabelUse>): DatasetWarning[] {
  const warnings: DatasetWarning[] = [];
  const bySize = [...uses].sort(([, a], [, b]) => a.count - b.count || a.firstRow - b.firstRow);
  const small = bySize.filter(([, { count }]) => count < SMALL_CLASS_BELOW);
  if (small.length > 0) {
    const names = listed(small.map(([label]) => label));
    const have = small.length === 1 ? "label has" : "labels have";
    warnings.push({
      code: "small_class",
      message: `${grouped(small.length)} ${have} fewer than ${SMALL_CLASS_BELOW} examples: ${names}.`,
      rows: small.slice(0, ROWS_LISTED_MAX).map(([, { firstRow }]) => firstRow),
    });
  }
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  if (smallest && largest && largest[1].count > UNBALANCED_ABOVE * smallest[1].count) {
    const sizes = [largest, smallest].map(
      ([label, { count }]) => `${quoted(label)} has ${plural(count, "example")}`,
    );
    warnings.push({
      code: "unbalanced_classes",
      message: `The classes are unbalanced: ${sizes.join(", ")}.`,
    });
  }
  return warnings;
}
