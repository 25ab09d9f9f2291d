// What a user should know about a dataset that is accepted all the same.
import type { LabelUse } from "./check-dataset.ts";
import type { RawRow } from "./columns.ts";
import type { DatasetWarning } from "./dataset.ts";
import { grouped, listed, plural, quoted } from "./refuse.ts";

const ROWS_LISTED_MAX = 10;
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

export function warnDuplicates(duplicates: readonly RawRow[]): DatasetWarning[] {
  return warnRows(
    "duplicate_rows",
    duplicates,
    (count) => `${plural(count, "row")} repeat${count === 1 ? "s" : ""} an earlier one, text and label`,
  );
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
