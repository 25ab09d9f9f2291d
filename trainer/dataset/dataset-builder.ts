// Rows as they are read → examples by class index. Every rule about the content of a dataset is here and in
// check-row.ts, for all formats. Of each row one example is kept, and what find-repeats.ts keeps to know it again.
import { checkRow } from "./check-row.ts";
import type { RawRow } from "./columns.ts";
import {
  type ColumnsRead,
  DATASET_ROWS_MAX,
  type Dataset,
  type DatasetWarning,
  EXAMPLES_PER_LABEL_MIN,
  type Example,
  LABELS_MAX,
} from "./dataset.ts";
import { FirstRows, wordsOf } from "./find-repeats.ts";
import { grouped, plural, quoted, refusal, tooLarge } from "./refuse.ts";
import {
  PairTally,
  type RowPair,
  RowTally,
  warnClassSizes,
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

interface BuilderOptions {
  readonly file: string;
  readonly forTraining: boolean;
  readonly keepsTexts: boolean;
}

export class DatasetBuilder {
  readonly #options: BuilderOptions;
  /** Labels by the order of first use until all are known. */
  readonly #examples: { input: Example["input"]; label: number; row: number }[] = [];
  readonly #uses = new Map<string, LabelUse>();
  readonly #firstByTexts = new FirstRows();
  readonly #firstByWords = new FirstRows();
  readonly #duplicates = new PairTally();
  readonly #similarConflicts = new PairTally();
  readonly #trimmed = new RowTally();

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /** Throws TrainerError invalid_dataset or dataset_too_large. */
  add(raw: RawRow): void {
    const { text, textPair, row } = raw;
    const { file } = this.#options;
    const index = this.#examples.length;
    if (index >= DATASET_ROWS_MAX) {
      const limit = `more than ${grouped(DATASET_ROWS_MAX)} examples, the limit`;
      throw tooLarge({ file, row }, `${limit}; leave some out`);
    }
    checkRow(raw, file);
    const label = raw.label.trim();
    if (label !== raw.label) this.#trimmed.add(row);
    const use = this.#use(label, row);
    this.#compareTexts(raw, use, index);
    if (this.#options.forTraining) this.#compareWords(raw, use, index);
    const input = textPair === undefined ? text : { text, textPair };
    this.#examples.push({ input: this.#options.keepsTexts ? input : "", label: use.index, row });
  }

  /** Throws TrainerError invalid_dataset. The builder is used up. */
  finish(columns: ColumnsRead, warnings: readonly DatasetWarning[]): Dataset {
    const { file, forTraining } = this.#options;
    if (this.#examples.length === 0)
      throw refusal({ file, row: 1 }, "the file has a header but no examples; add one a row");
    const uses = [...this.#uses.values()].sort((a, b) => byCodePoint(a.label, b.label));
    if (uses.length > LABELS_MAX) throw tooManyLabels(uses.length, this.#examples.length, file);
    if (forTraining) checkClasses(uses, file);
    const classByIndex = new Uint16Array(uses.length);
    for (const [index, use] of uses.entries()) classByIndex[use.index] = index;
    for (const example of this.#examples) example.label = classByIndex[example.label] ?? example.label;
    return {
      examples: this.#examples,
      labels: uses.map(({ label }) => label),
      columns,
      warnings: [
        ...warnings,
        ...warnTrimmed(this.#trimmed),
        ...warnDuplicates(this.#duplicates),
        ...warnSimilarConflicts(this.#similarConflicts),
        ...(forTraining ? [...warnClassSizes(uses), ...warnSampled(this.#examples.length)] : []),
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

  /** With an earlier row that says the same. Throws for training where the labels differ. */
  #compareTexts(raw: RawRow, use: LabelUse, index: number): void {
    const first = this.#example(this.#firstByTexts.find(raw, index));
    if (!first) return;
    if (first.label === use.index) this.#duplicates.add(() => this.#pair(first, raw));
    else if (this.#options.forTraining) throw this.#conflict(this.#pair(first, raw), raw);
  }

  /** With an earlier row that differs in case, spaces and punctuation alone, and in its label. */
  #compareWords(raw: RawRow, use: LabelUse, index: number): void {
    const words = wordsOf(raw);
    const first = words && this.#example(this.#firstByWords.find(words, index));
    if (first && first.label !== use.index) this.#similarConflicts.add(() => this.#pair(first, raw));
  }

  #example(index: number | undefined): Example | undefined {
    return index === undefined ? undefined : this.#examples[index];
  }

  #pair(first: Example, second: RawRow): RowPair {
    const firstLabel = [...this.#uses.keys()][first.label] ?? "";
    return {
      first: { row: first.row, label: firstLabel },
      second: { row: second.row, label: second.label.trim() },
    };
  }

  #conflict({ first, second }: RowPair, { textPair }: RawRow): Error {
    const labels = `${quoted(second.label)} here and ${quoted(first.label)} in row ${first.row}`;
    const subject = textPair === undefined ? "the same text" : "the same pair of texts";
    return refusal(
      { file: this.#options.file, row: second.row, column: "label" },
      `${subject} is labelled ${labels}; keep one of them`,
    );
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
  const rare = uses.find(({ count }) => count < EXAMPLES_PER_LABEL_MIN);
  if (!rare) return;
  const has = `the label ${quoted(rare.label)} has ${plural(rare.count, "example")}`;
  const needs = `needs at least ${EXAMPLES_PER_LABEL_MIN}`;
  throw refusal(
    { file, row: rare.firstRow, column: "label" },
    `${has} and ${needs}; add more or delete its rows`,
  );
}
