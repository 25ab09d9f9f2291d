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
  text_pair: "sentence2 text2 text_b hypothesis question2 textpair".split(" "),
} satisfies Record<ColumnName, readonly string[]>;

/** The name that each column goes by in a file. */
export type NamesByColumn = ReadonlyMap<ColumnName, string>;

/**
 * By their own names, letters of any case; else the one column whose name is a usual one for it. Throws where
 * the text or the label is not to be found, or several could be it.
 */
export function findColumns(found: readonly string[], at: Place): NamesByColumn {
  const names = new Map<ColumnName, string>();
  for (const column of columnNames) {
    const own = found.filter((name) => name.toLowerCase() === column);
    if (own.length > 1)
      throw refusal({ ...at, column }, "the header names this column twice; rename one of them");
    const candidates = own.length > 0 ? own : likely(found, column);
    if (candidates.length === 1 && candidates[0] !== undefined) names.set(column, candidates[0]);
  }
  const missing = (["text", "label"] as const).filter((column) => !names.has(column));
  if (missing.length > 0) throw missingColumns(missing, found, at);
  return names;
}

function likely(found: readonly string[], column: ColumnName): string[] {
  return found.filter((name) => likelyNames[column].includes(name.toLowerCase()));
}

function missingColumns(missing: readonly ColumnName[], found: readonly string[], at: Place): Error {
  const renames = missing.flatMap((column) => {
    const candidates = likely(found, column);
    return candidates.length > 0
      ? [`rename ${candidates.map(quoted).join(" or ")} to ${quoted(column)}`]
      : [];
  });
  const remedy = renames.length > 0 ? renames.join(" and ") : 'name the columns "text" and "label"';
  const columns = `${missing.length === 1 ? "column" : "columns"} ${missing.map(quoted).join(" and ")}`;
  return refusal(at, `${columns} missing, found ${listed(found) || "none"}; ${remedy}`);
}

/** Of names that are not the columns' own, and of columns that are none. */
export function warnColumns(found: readonly string[], names: NamesByColumn): DatasetWarning[] {
  const guessed = [...names].filter(([column, name]) => name.toLowerCase() !== column);
  const used = new Set(names.values());
  const read = guessed.map(([column, name]) => `${quoted(name)} as ${column}`).join(", ");
  const warning = {
    code: "columns_guessed",
    message: `Columns read by their usual names: ${read}.`,
  } as const;
  return [
    ...(guessed.length > 0 ? [warning] : []),
    ...warnExtraColumns(found.filter((name) => !used.has(name))),
  ];
}

export function requireRowsWithin(count: number, at: Place): void {
  if (count <= DATASET_ROWS_MAX) return;
  throw tooLarge(at, `more than ${grouped(DATASET_ROWS_MAX)} examples, the limit; leave some out`);
}

function warnExtraColumns(extra: readonly string[]): DatasetWarning[] {
  if (extra.length === 0) return [];
  return [
    {
      code: "extra_columns",
      message: `${plural(extra.length, "column")} not used: ${listed(extra)}.`,
    },
  ];
}
