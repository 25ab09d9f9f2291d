// Rows as they are read → examples by class index. Every rule about the content of a dataset is here and in
// check-row.ts, for all formats. Of each row its class and number are kept, and what find-repeats.ts keeps to know it
// again; never its texts.

import { checkRow } from "./check-row.ts";
import type { RawRow } from "./columns.ts";
import {
  type ColumnsRead,
  DATASET_ROWS_MAX,
  type Dataset,
  type DatasetWarning,
  EXAMPLES_PER_LABEL_MIN,
  LABELS_MAX,
} from "./dataset.ts";
import { FirstRows, wordsOf } from "./find-repeats.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import { grouped, plural, quoted, refusal, tooLarge } from "./refuse.ts";
import {
  PairTally,
  type RowPair,
  RowTally,
  warnClassSizes,
  warnConflicts,
  warnDuplicates,
  warnSampled,
  warnSimilarConflicts,
  warnTrimmed,
} from "./warn-dataset.ts";

export interface LabelUse {
  /** In the order of first use. */
  readonly index: number;
  readonly label: string;
  readonly firstRow: number;
  count: number;
}

/** A dataset without its texts: of each example its class, an index into labels, and its row. */
export interface ExamplesRead extends Omit<Dataset, "examples" | "sampledFrom"> {
  readonly classes: Uint32Array;
  readonly rows: Uint32Array;
}

interface BuilderOptions {
  readonly file: string;
  readonly forTraining: boolean;
}

export class DatasetBuilder {
  readonly #options: BuilderOptions;
  /** By the order of first use. */
  readonly #labels = new GrowingNumbers();
  readonly #rows = new GrowingNumbers();
  readonly #uses = new Map<string, LabelUse>();
  readonly #firstByTexts = new FirstRows();
  readonly #firstByWords = new FirstRows();
  readonly #duplicates = new PairTally();
  readonly #conflicts = new PairTally();
  readonly #similarConflicts = new PairTally();
  readonly #trimmed = new RowTally();

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /** Throws TrainerError invalid_dataset or dataset_too_large. */
  add(raw: RawRow): void {
    const { row } = raw;
    const { file } = this.#options;
    const index = this.#rows.length;
    if (index >= DATASET_ROWS_MAX) {
      const limit = `more than ${grouped(DATASET_ROWS_MAX)} examples, the limit`;
      throw tooLarge({ file, row }, `${limit}; leave some out`);
    }
    checkRow(raw, file);
    const label = raw.label.trim();
    if (label !== raw.label) this.#trimmed.add(row);
    const use = this.#use(label, row);
    const isNew = this.#compareTexts(raw, use, index);
    if (isNew && this.#options.forTraining) this.#compareWords(raw, use, index);
    this.#labels.push(use.index);
    this.#rows.push(row);
  }

  /** Throws TrainerError invalid_dataset. The builder is used up. */
  finish(columns: ColumnsRead, warnings: readonly DatasetWarning[]): ExamplesRead {
    const { file, forTraining } = this.#options;
    const rows = this.#rows.toArray();
    if (rows.length === 0)
      throw refusal({ file, row: 1 }, "the file has a header but no examples; add one a row");
    const uses = [...this.#uses.values()].sort((a, b) => byCodePoint(a.label, b.label));
    if (uses.length > LABELS_MAX) throw tooManyLabels(uses.length, rows.length, file);
    if (forTraining) checkClasses(uses, file);
    const classByIndex = new Uint16Array(uses.length);
    for (const [index, use] of uses.entries()) classByIndex[use.index] = index;
    return {
      classes: this.#labels.toArray().map((index) => classByIndex[index] ?? index),
      rows,
      labels: uses.map(({ label }) => label),
      columns,
      warnings: [
        ...warnings,
        ...warnTrimmed(this.#trimmed),
        ...warnDuplicates(this.#duplicates),
        ...(forTraining ? warnConflicts(this.#conflicts) : []),
        ...warnSimilarConflicts(this.#similarConflicts),
        ...(forTraining ? [...warnClassSizes(uses), ...warnSampled(rows.length)] : []),
      ],
    };
  }

  #use(label: string, row: number): LabelUse {
    const known = this.#uses.get(label);
    if (known) {
      known.count += 1;
      return known;
    }
    const use = { index: this.#uses.size, label, firstRow: row, count: 1 };
    this.#uses.set(label, use);
    return use;
  }

  /** Whether no earlier row says the same; tells of one that does. */
  #compareTexts(raw: RawRow, use: LabelUse, index: number): boolean {
    const first = this.#firstByTexts.find(raw, index);
    if (first === undefined) return true;
    const tally = this.#labels.at(first) === use.index ? this.#duplicates : this.#conflicts;
    tally.add(() => this.#pair(first, raw));
    return false;
  }

  /** With an earlier row that differs in case, spaces and punctuation alone, and in its label. */
  #compareWords(raw: RawRow, use: LabelUse, index: number): void {
    const words = wordsOf(raw);
    const first = words && this.#firstByWords.find(words, index);
    if (first !== undefined && this.#labels.at(first) !== use.index)
      this.#similarConflicts.add(() => this.#pair(first, raw));
  }

  /** first: an index. */
  #pair(first: number, second: RawRow): RowPair {
    const firstLabel = [...this.#uses.keys()][this.#labels.at(first)] ?? "";
    return {
      first: { row: this.#rows.at(first), label: firstLabel },
      second: { row: second.row, label: second.label.trim() },
    };
  }
}

/** String comparison would go by UTF-16 unit; the bytes of UTF-8 are in the order of code points. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function tooManyLabels(count: number, rowCount: number, file: string): Error {
  const found = `${grouped(count)} different labels in ${plural(rowCount, "example")}`;
  const limit = `at most ${grouped(LABELS_MAX)} are allowed`;
  return refusal(
    { file, column: "label" },
    `${found} and ${limit}; check whether this column is swapped with the text`,
  );
}

function checkClasses(uses: readonly LabelUse[], file: string): void {
  const [only] = uses;
  if (uses.length === 1 && only) {
    const every = `every example has the label ${quoted(only.label)}`;
    throw refusal({ file, column: "label" }, `${every}; add a second label`);
  }
  const rare = uses.filter(({ count }) => count < EXAMPLES_PER_LABEL_MIN);
  const [first, ...others] = rare;
  if (!first) return;
  const has = `the label ${quoted(first.label)} has ${plural(first.count, "example")}`;
  const needs = `needs at least ${EXAMPLES_PER_LABEL_MIN}`;
  const at = { file, row: first.firstRow, column: "label" };
  if (others.length === 0) throw refusal(at, `${has} and ${needs}; add more or delete its rows`);
  const named = others.slice(0, RARE_NAMED_MAX).map(({ label, count }) => `${quoted(label)} (${count})`);
  const rest = others.length - named.length;
  const too = `so do ${[...named, ...(rest > 0 ? [`${rest} more`] : [])].join(", ")}`;
  throw refusal(at, `${has} and ${needs}; ${too}; add more of each or delete their rows`);
}

/** Beside the first. */
const RARE_NAMED_MAX = 10;
