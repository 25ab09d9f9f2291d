// NDJSON → rows: one JSON object a line, {"text", "label", "text_pair"?}. Blank lines are passed over.
import { turnTaker } from "../take-turns.ts";
import { type ColumnName, findColumns, hasNoPairs, type NamesByColumn, type RawRow } from "./columns.ts";
import type { OpenedText, RowCounter } from "./decode-text.ts";
import { type Place, refusal } from "./refuse.ts";
import { splitLines } from "./split-lines.ts";
import type { TableOptions, TableRead } from "./table.ts";

const LINE_FEED = 0x0a;
/** Two texts and a label at their limits, every character escaped, need a quarter of it. */
export const LINE_BYTES_MAX = 1024 * 1024;

/** Of all names of values together: each row may have others. */
const NAMES_CHARACTERS_MAX = 1_000_000;

/** Throws TrainerError invalid_dataset, and what onRow throws. */
export async function readNdjson(text: OpenedText, options: TableOptions): Promise<TableRead> {
  const { file, onRow } = options;
  const found = new Set<string>();
  let foundCharacters = 0;
  const takeTurns = turnTaker();
  let names: NamesByColumn | undefined;
  for await (const lines of splitLines(text.pieces(), LINE_BYTES_MAX)) {
    for (const { number: row, bytes } of lines) {
      const at = { file, row };
      if (!bytes) throw refusal(at, `this line is longer than ${LINE_BYTES_MAX / 1024} KiB; shorten it`);
      await takeTurns(bytes.length);
      const line = stringOf(bytes);
      if (line.trim() === "") continue;
      const object = parseObject(line, at);
      names ??= findColumns(Object.keys(object), options.columns, at);
      onRow(readRow(object, { names, isSingle: hasNoPairs(options.columns) }, at));
      for (const name of Object.keys(object)) {
        if (found.has(name)) continue;
        found.add(name);
        foundCharacters += name.length;
        if (foundCharacters > NAMES_CHARACTERS_MAX) throw refusal(at, TOO_MANY_NAMES);
      }
    }
    await options.onTurn?.();
  }
  if (!names) {
    throw refusal({ file }, 'the file is empty; write one {"text": …, "label": …} a line');
  }
  return { found: [...found], names };
}

function stringOf(utf8: Uint8Array): string {
  return Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength).toString();
}

const TOO_MANY_NAMES =
  "up to here the rows name too many different values beside the text and the label; write these two alone";

/** Throws TrainerError invalid_dataset. */
export function parseObject(line: string, at: Place): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw refusal(at, 'this line is not JSON; write one whole {"text": …, "label": …} a line', cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
  throw refusal(
    at,
    `this line is ${kind}; write one {"text": …, "label": …} a line, without an array around`,
  );
}

/** Each row by the names of the first. */
function readRow(
  object: Record<string, unknown>,
  { names, isSingle }: { names: NamesByColumn; isSingle: boolean },
  at: { file: string; row: number },
): RawRow {
  const value = (column: ColumnName) => {
    const name = names.get(column);
    if (name === undefined && !Object.hasOwn(object, column)) return undefined;
    if (name === undefined) {
      const remedy = "given here but not in the first row; give it in every row or in none";
      throw refusal({ ...at, column }, remedy);
    }
    if (Object.hasOwn(object, name)) return textOf(object[name], { ...at, column: name }, column);
    throw refusal({ ...at, column: name }, "missing here but given in the first row; give it in every row");
  };
  return {
    text: value("text") ?? "",
    textPair: isSingle ? undefined : value("text_pair"),
    label: value("label") ?? "",
    row: at.row,
  };
}

/** A label may be a whole number or a boolean too, as in a Parquet file. */
function textOf(value: unknown, at: Place, column: ColumnName): string {
  const isPlain = typeof value === "boolean" || Number.isSafeInteger(value);
  return column === "label" && isPlain ? String(value) : requireString(value, at);
}

/** Throws TrainerError invalid_dataset. */
export function requireString(value: unknown, at: Place): string {
  if (typeof value !== "string") {
    const kind = value === null ? "null" : Array.isArray(value) ? "an array" : `of type ${typeof value}`;
    throw refusal(at, `the value is ${kind}; write a string in double quotes`);
  }
  if (!value.isWellFormed())
    throw refusal(at, "half of a surrogate pair (\\ud800 to \\udfff); write both halves");
  return value;
}

/** Each line is one. */
export class NdjsonRowCounter implements RowCounter {
  row = 1;

  add(bytes: Buffer): void {
    for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) this.row += 1;
  }
}
