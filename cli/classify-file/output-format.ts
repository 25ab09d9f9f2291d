// A row and its answer → a record of the output: CSV, TSV or JSON lines, by the file's extension.
import type { Prediction } from "#functions/prediction";
import type { StreamedRow } from "#trainer/dataset";
import { CliError } from "../errors.ts";

export interface AnsweredRow {
  readonly row: StreamedRow;
  /** Undefined of a row without a text. */
  readonly prediction: Prediction | undefined;
}

export interface ColumnsOptions {
  /** Before the names of the columns that are added. */
  readonly columnPrefix: string;
  /** Of the adapter, where each label's score is wanted. */
  readonly labels?: readonly string[];
}

export interface OutputFormat {
  readonly hasQuotes: boolean;
  /** Before the first record; "" where there is none. Throws CliError bad_usage where names meet. */
  header(first: StreamedRow): string;
  /** Throws CliError bad_usage where a row has a column that the first had not, and the format has a header. */
  record(answered: AnsweredRow): string;
}

/** Throws CliError bad_usage for another extension. */
export function outputFormat(path: string, options: ColumnsOptions): OutputFormat {
  switch (path.split(".").at(-1)?.toLowerCase()) {
    case "csv":
      return separated(",", options);
    case "tsv":
      return separated("\t", options);
    case "jsonl":
    case "ndjson":
      return jsonLines(options);
    default:
      throw new CliError("bad_usage", `${path}: name the output .csv, .tsv, .jsonl or .ndjson.`);
  }
}

function separated(separator: string, options: ColumnsOptions): OutputFormat {
  const line = (fields: readonly string[]) =>
    `${fields.map((field) => quotedField(field, separator)).join(separator)}\n`;
  let columns: readonly string[] = [];
  return {
    hasQuotes: true,
    header(first) {
      columns = [...first.values.keys()];
      const added = [
        ...addedNames(options),
        ...(options.labels ?? []).map((label) => `${options.columnPrefix}score:${label}`),
      ];
      requireNew(added, columns);
      return line([...columns, ...added]);
    },
    record({ row, prediction }) {
      const unknown = [...row.values.keys()].find((name) => !columns.includes(name));
      if (unknown !== undefined) {
        const remedy = "name the output .jsonl, where rows need not be alike";
        throw new CliError(
          "bad_usage",
          `Row ${row.row} has "${unknown}", which the first row had not: ${remedy}.`,
        );
      }
      const scores = new Map(prediction?.scores.map(({ label, score }) => [label, score]));
      const added = prediction ? [prediction.label, prediction.score, prediction.outOfScope] : ["", "", ""];
      const each = (options.labels ?? []).map((label) => scores.get(label) ?? "");
      return line([
        ...columns.map((name) => asText(row.values.get(name))),
        ...[...added, ...each].map(String),
      ]);
    },
  };
}

function jsonLines(options: ColumnsOptions): OutputFormat {
  const [label = "", score = "", outOfScope = "", scores = ""] = [
    ...addedNames(options),
    `${options.columnPrefix}scores`,
  ];
  return {
    hasQuotes: false,
    header: () => "",
    record({ row, prediction }) {
      const added = new Map<string, unknown>([
        [label, prediction?.label ?? null],
        [score, prediction?.score ?? null],
        [outOfScope, prediction?.outOfScope ?? null],
        ...(options.labels ? [[scores, prediction?.scores ?? null] as const] : []),
      ]);
      requireNew([...added.keys()], [...row.values.keys()]);
      return `${JSON.stringify(Object.fromEntries([...row.values, ...added]))}\n`;
    },
  };
}

function addedNames({ columnPrefix }: ColumnsOptions): readonly string[] {
  return ["label", "score", "out_of_scope"].map((name) => columnPrefix + name);
}

function requireNew(added: readonly string[], columns: readonly string[]): void {
  const name = added.find((one) => columns.includes(one));
  if (name === undefined) return;
  throw new CliError(
    "bad_usage",
    `The input has a column "${name}" already. Call the new ones otherwise: --column-prefix predicted_.`,
  );
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function quotedField(field: string, separator: string): string {
  const isPlain = !field.includes(separator) && !/["\r\n]/.test(field) && field.trim() === field;
  return isPlain ? field : `"${field.replaceAll('"', '""')}"`;
}
