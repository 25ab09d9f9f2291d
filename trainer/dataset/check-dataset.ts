// Rows as read → examples by class index. Every rule about the content of a dataset is here, for all formats.
import type { ColumnName, RawRow } from "./columns.ts";
import {
  type Dataset,
  type DatasetWarning,
  EXAMPLES_PER_LABEL_MIN,
  LABEL_CHARACTERS_MAX,
  TEXT_CHARACTERS_MAX,
} from "./dataset.ts";
import { findRepeats, type RowPair, wordsOf } from "./find-repeats.ts";
import { grouped, plural, quoted, refusal } from "./refuse.ts";
import { warnClassSizes, warnDuplicates, warnSimilarConflicts, warnTrimmed } from "./warn-dataset.ts";

export const LABELS_MAX = 1_000;

export interface LabelUse {
  count: number;
  readonly firstRow: number;
}

interface CheckOptions {
  readonly file: string;
  readonly forTraining: boolean;
}

/** Throws TrainerError invalid_dataset. */
export function checkDataset(rows: readonly RawRow[], options: CheckOptions): Dataset {
  const { file, forTraining } = options;
  for (const row of rows) checkRow(row, file);
  const uses = countLabels(rows);
  const labels = [...uses.keys()].sort(byCodePoint);
  if (labels.length > LABELS_MAX) throw tooManyLabels(labels.length, rows.length, file);
  const duplicates = findDuplicates(rows, options);
  if (forTraining) checkClasses(labels, uses, file);
  const classByLabel = new Map(labels.map((label, index) => [label, index]));
  const warnings: DatasetWarning[] = [
    ...warnTrimmed(rows),
    ...warnDuplicates(duplicates),
    ...(forTraining ? [...warnSimilarConflicts(findSimilarConflicts(rows)), ...warnClassSizes(uses)] : []),
  ];
  const examples = rows.map(({ text, textPair, label, row }) => ({
    input: textPair === undefined ? text : { text, textPair },
    label: classByLabel.get(label.trim()) ?? unknownLabel(label),
    row,
  }));
  return { examples, labels, warnings };
}

function checkRow({ text, textPair, label, row }: RawRow, file: string): void {
  checkText(text, { file, row, column: "text" });
  if (textPair !== undefined) checkText(textPair, { file, row, column: "text_pair" });
  checkLabel(label.trim(), { file, row, column: "label" });
}

type Cell = { readonly file: string; readonly row: number; readonly column: ColumnName };

function checkText(text: string, at: Cell): void {
  if (text.length > TEXT_CHARACTERS_MAX) {
    const limit = `at most ${grouped(TEXT_CHARACTERS_MAX)} are allowed`;
    throw refusal(at, `the text has ${grouped(text.length)} characters and ${limit}; shorten or divide it`);
  }
  if (text.trim() === "") throw refusal(at, "the text is empty; write one or delete the row");
}

function checkLabel(label: string, at: Cell): void {
  if (label === "") throw refusal(at, "the label is empty; write one or delete the row");
  if (label.length > LABEL_CHARACTERS_MAX) {
    const size = `the label has ${grouped(label.length)} characters and at most ${LABEL_CHARACTERS_MAX} are allowed`;
    throw refusal(at, `${size}; shorten it, or swap the columns if this is a text`);
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(label)) {
    throw refusal(at, `the label ${quoted(label)} contains a control character or line break; remove it`);
  }
}

function countLabels(rows: readonly RawRow[]): Map<string, LabelUse> {
  const uses = new Map<string, LabelUse>();
  for (const { label, row } of rows) {
    const use = uses.get(label.trim());
    if (use) use.count++;
    else uses.set(label.trim(), { count: 1, firstRow: row });
  }
  return uses;
}

/** String comparison would go by UTF-16 unit; the bytes of UTF-8 are in the order of code points. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function tooManyLabels(count: number, rowCount: number, file: string) {
  const found = `${grouped(count)} different labels in ${plural(rowCount, "example")}`;
  const limit = `at most ${grouped(LABELS_MAX)} are allowed`;
  return refusal(
    { file, column: "label" },
    `${found} and ${limit}; check whether this column is swapped with the text`,
  );
}

/** Pairs whose later row says again what the earlier said. Throws for training where the labels differ. */
function findDuplicates(rows: readonly RawRow[], { file, forTraining }: CheckOptions): RowPair[] {
  const repeats = findRepeats(rows, (text) => text);
  const conflicting = repeats.find(({ first, second }) => labelOf(first) !== labelOf(second));
  if (forTraining && conflicting) throw conflict(conflicting.first, conflicting.second, file);
  return repeats.filter(({ first, second }) => labelOf(first) === labelOf(second));
}

/** Pairs that differ in case, spaces and punctuation alone, and in their labels. */
function findSimilarConflicts(rows: readonly RawRow[]): RowPair[] {
  return findRepeats(rows, wordsOf).filter(({ first, second }) => labelOf(first) !== labelOf(second));
}

function labelOf({ label }: RawRow): string {
  return label.trim();
}

function conflict(first: RawRow, second: RawRow, file: string) {
  const labels = `${quoted(second.label.trim())} here and ${quoted(first.label.trim())} in row ${first.row}`;
  const subject = first.textPair === undefined ? "the same text" : "the same pair of texts";
  return refusal(
    { file, row: second.row, column: "label" },
    `${subject} is labelled ${labels}; keep one of them`,
  );
}

function checkClasses(labels: readonly string[], uses: ReadonlyMap<string, LabelUse>, file: string): void {
  const [only] = labels;
  if (labels.length === 1 && only !== undefined) {
    throw refusal(
      { file, column: "label" },
      `every example has the label ${quoted(only)}; add a second label`,
    );
  }
  for (const label of labels) {
    const use = uses.get(label);
    if (!use || use.count >= EXAMPLES_PER_LABEL_MIN) continue;
    const has = `the label ${quoted(label)} has ${plural(use.count, "example")}`;
    const needs = `needs at least ${EXAMPLES_PER_LABEL_MIN}`;
    throw refusal(
      { file, row: use.firstRow, column: "label" },
      `${has} and ${needs}; add more or delete its rows`,
    );
  }
}

function unknownLabel(label: string): never {
  throw new Error(`label ${quoted(label)} has no class`);
}
