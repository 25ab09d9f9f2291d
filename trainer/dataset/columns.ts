// The columns of a dataset, the same in every format: those the user names, else those of the usual names;
// and advice where they are not to be found.
import type { ColumnsRead, DatasetColumns, DatasetWarning } from "./dataset.ts";
import { listed, type Place, plural, quoted, refusal } from "./refuse.ts";

/** A row as read, before it is checked. */
export interface RawRow {
  readonly text: string;
  readonly textPair: string | undefined;
  readonly label: string;
  readonly row: number;
}

export const columnNames = ["text", "label", "text_pair"] as const;
export type ColumnName = (typeof columnNames)[number];

const optionByColumn = { text: "text", label: "label", text_pair: "textPair" } satisfies Record<
  ColumnName,
  keyof DatasetColumns
>;

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
 * Those that are named; else by their own names, letters of any case; else the one column whose name is a
 * usual one for it. Throws where the text, or the label where it is wanted, is not to be found, or several could be it.
 */
export function findColumns(
  found: readonly string[],
  given: DatasetColumns,
  at: Place,
  wanted: readonly ColumnName[] = columnNames,
): NamesByColumn {
  const named = namedColumns(found, given, at);
  const taken = new Set(named.values());
  const free = found.filter((name) => !taken.has(name));
  const names = new Map<ColumnName, string>();
  for (const column of wanted) {
    const isLeftOut = column === "text_pair" && hasNoPairs(given);
    const name = named.get(column) ?? (isLeftOut ? undefined : guess(column, free, at));
    if (name !== undefined) names.set(column, name);
  }
  const missing = wanted.filter((column) => column !== "text_pair" && !names.has(column));
  if (missing.length > 0) throw missingColumns(missing, found, { free, at });
  return names;
}

/** Throws for a name that the file has not, or has twice, and for one that is given for two columns. */
function namedColumns(found: readonly string[], given: DatasetColumns, at: Place): Map<ColumnName, string> {
  const named = new Map<ColumnName, string>();
  for (const column of columnNames) {
    const name = given[optionByColumn[column]];
    if (name === undefined) continue;
    const [other] = [...named].find(([, known]) => known === name) ?? [];
    if (other !== undefined)
      throw refusal({ ...at, column: name }, `named both as ${other} and as ${column}; name two columns`);
    const times = found.filter((candidate) => candidate === name).length;
    if (times > 1)
      throw refusal({ ...at, column: name }, "the header names this column twice; rename one of them");
    if (times === 0) {
      const columns = `the columns are ${listed(found) || "none"}`;
      throw refusal(at, `there is no column ${quoted(name)} to read as ${column}; ${columns}`);
    }
    named.set(column, name);
  }
  return named;
}

/** Who names the text and no second text wants no pairs. */
export function hasNoPairs({ text, textPair }: DatasetColumns): boolean {
  return text !== undefined && textPair === undefined;
}

function guess(column: ColumnName, found: readonly string[], at: Place): string | undefined {
  const own = found.filter((name) => name.toLowerCase() === column);
  if (own.length > 1)
    throw refusal({ ...at, column }, "the header names this column twice; rename one of them");
  const candidates = own.length > 0 ? own : likely(found, column);
  return candidates.length === 1 ? candidates[0] : undefined;
}

function likely(found: readonly string[], column: ColumnName): string[] {
  return found.filter((name) => likelyNames[column].includes(name.toLowerCase()));
}

function missingColumns(
  missing: readonly ColumnName[],
  found: readonly string[],
  { free, at }: { free: readonly string[]; at: Place },
): Error {
  const renames = missing.flatMap((column) => {
    const candidates = likely(free, column);
    return candidates.length > 0
      ? [`rename ${candidates.map(quoted).join(" or ")} to ${quoted(column)}`]
      : [];
  });
  const own = `name the ${missing.length === 1 ? "column" : "columns"} ${missing.map(quoted).join(" and ")}`;
  const remedy = renames.length > 0 ? renames.join(" and ") : own;
  const columns = `${missing.length === 1 ? "column" : "columns"} ${missing.map(quoted).join(" and ")}`;
  const orSay = `or say which column is the ${missing.join(" and which the ")}`;
  return refusal(at, `${columns} missing, found ${listed(found) || "none"}; ${remedy}, ${orSay}`);
}

/** To read the same columns again. */
export function columnsRead(names: NamesByColumn): ColumnsRead {
  const [text = "", label = "", textPair] = columnNames.map((column) => names.get(column));
  return { text, label, ...(textPair === undefined ? {} : { textPair }) };
}

/** Of names that were guessed and are not the columns' own, and of columns that are none. */
export function warnColumns(
  found: readonly string[],
  names: NamesByColumn,
  given: DatasetColumns,
): DatasetWarning[] {
  const guessed = [...names].filter(
    ([column, name]) => name.toLowerCase() !== column && given[optionByColumn[column]] === undefined,
  );
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

function warnExtraColumns(extra: readonly string[]): DatasetWarning[] {
  if (extra.length === 0) return [];
  return [
    {
      code: "extra_columns",
      message: `${plural(extra.length, "column")} not used: ${listed(extra)}.`,
    },
  ];
}
