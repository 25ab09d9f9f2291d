// The columns of a dataset, the same in CSV and NDJSON, and advice for those who named them otherwise.
import type { DatasetWarning } from "./dataset.ts";
import { DATASET_ROWS_MAX } from "./dataset.ts";
import { grouped, listed, type Place, plural, quoted, refusal, tooLarge } from "./refuse.ts";

/** A row as read, before it is checked. */
export interface RawRow {
  readonly text: string;
  readonly textPair: string | undefined;
  readonly label: string;
  readonly row: number;
}

export interface RawTable {
  readonly rows: readonly RawRow[];
  readonly warnings: readonly DatasetWarning[];
}

export const columnNames = ["text", "label", "text_pair"] as const;
export type ColumnName = (typeof columnNames)[number];

const likelyNames = {
  text: "sentence sentence1 text1 text_a premise question question1 query utterance message content comment review body document input prompt tweet description title texts".split(
    " ",
  ),
  label: "labels category class intent target sentiment topic tag type output classification y".split(" "),
} as const;

/** Throws unless "text" and "label" are among the names found. */
export function requireColumns(found: readonly string[], at: Place): void {
  const missing = (["text", "label"] as const).filter((name) => !found.includes(name));
  if (missing.length === 0) return;
  const renames = missing.flatMap((name) => {
    const likely = found.find((other) => likelyNames[name].includes(other.toLowerCase()));
    return likely === undefined ? [] : [`rename ${quoted(likely)} to ${quoted(name)}`];
  });
  const remedy = renames.length > 0 ? renames.join(" and ") : 'name the columns "text" and "label"';
  const columns = `${missing.length === 1 ? "column" : "columns"} ${missing.map(quoted).join(" and ")}`;
  throw refusal(at, `${columns} missing, found ${listed(found) || "none"}; ${remedy}`);
}

export function requireRowsWithin(count: number, at: Place): void {
  if (count <= DATASET_ROWS_MAX) return;
  throw tooLarge(at, `more than ${grouped(DATASET_ROWS_MAX)} examples, the limit; leave some out`);
}

export function warnExtraColumns(extra: readonly string[]): DatasetWarning[] {
  if (extra.length === 0) return [];
  return [
    {
      code: "extra_columns",
      message: `${plural(extra.length, "column")} not used: ${listed(extra)}.`,
    },
  ];
}
