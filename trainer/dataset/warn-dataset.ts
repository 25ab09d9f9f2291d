// What a user should know about a dataset that is accepted all the same.

import { type DatasetWarning, EXAMPLES_LEARNED_MAX } from "./dataset.ts";
import type { LabelUse } from "./dataset-builder.ts";
import { grouped, listed, plural, quoted } from "./refuse.ts";

const ROWS_LISTED_MAX = 10;
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

export function warnTrimmed(rows: RowTally): DatasetWarning[] {
  return warnRows("labels_trimmed", rows, `Spaces around ${plural(rows.count, "label")} were removed`);
}

export function warnDuplicates(rows: RowTally): DatasetWarning[] {
  const repeat = `${plural(rows.count, "row")} repeat${rows.count === 1 ? "s" : ""} an earlier one`;
  return warnRows("duplicate_rows", rows, `${repeat}, text and label`);
}

function warnRows(code: DatasetWarning["code"], { first: rows }: RowTally, what: string): DatasetWarning[] {
  return rows.length === 0 ? [] : [{ code, message: `${what}, first in row ${rows[0]}.`, rows }];
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
