// A dataset and what its adapter should have answered → the dataset that the next version learns from. Where feedback
// gives a text of the dataset another label, feedback is right and those rows go. What remains of the dataset stands
// first, so that a training can tell the two apart by the row. The caller has the result checked as any upload is.
import type { Dataset } from "./dataset.ts";
import { type Texts, textsDigestOf } from "./find-repeats.ts";

export interface Feedback {
  readonly text: string;
  readonly textPair?: string;
  readonly label: string;
}

export interface MergedDataset {
  /** JSON lines of text, text_pair where there are pairs, and label. */
  readonly lines: Uint8Array;
  /** Of the dataset, that were kept: the first of the lines. */
  readonly rowsBefore: number;
  /** Feedback that was added: the lines after these. */
  readonly added: number;
  /** Rows of the dataset that went, since feedback gives their text another label. */
  readonly replaced: number;
  /** Feedback that says what the dataset says. */
  readonly known: number;
  /** Feedback on a text that later feedback gives a label. */
  readonly outdated: number;
  /** Feedback of labels that the dataset lacks, or on pairs where it has single texts, or the reverse. */
  readonly unfit: number;
}

/** feedback: the newest first, which wins over the older on the same text. To the letter, as repeated rows are found. */
export function mergeFeedback(dataset: Dataset, feedback: readonly Feedback[]): MergedDataset {
  const { isPairs, labels } = {
    isPairs: dataset.columns.textPair !== undefined,
    labels: new Set(dataset.labels),
  };
  const fitting = feedback.filter(
    ({ textPair, label }) => (textPair !== undefined) === isPairs && labels.has(label),
  );
  const newest = new Map<string, Feedback>();
  for (const one of fitting) {
    const digest = textsDigestOf(textsOf(one));
    if (!newest.has(digest)) newest.set(digest, one);
  }
  const known = new Set<string>();
  const kept: Feedback[] = [];
  for (const { input, label } of dataset.examples) {
    const row = {
      ...(typeof input === "string" ? { text: input } : input),
      label: dataset.labels[label] ?? "",
    };
    const digest = textsDigestOf(textsOf(row));
    const right = newest.get(digest);
    if (right?.label === row.label) known.add(digest);
    if (right === undefined || right.label === row.label) kept.push(row);
  }
  const added = [...newest].filter(([digest]) => !known.has(digest)).map(([, one]) => one);
  return {
    lines: encode([...kept, ...added]),
    ...{ rowsBefore: kept.length, added: added.length, replaced: dataset.examples.length - kept.length },
    ...{ known: known.size, outdated: fitting.length - newest.size, unfit: feedback.length - fitting.length },
  };
}

function textsOf({ text, textPair }: Feedback): Texts {
  return { text, textPair };
}

function encode(rows: readonly Feedback[]): Uint8Array {
  // Row by row: as one string they may be longer than a string can be.
  return Buffer.concat(
    rows.map(({ text, textPair, label }) =>
      Buffer.from(
        `${JSON.stringify({ text, ...(textPair !== undefined && { text_pair: textPair }), label })}\n`,
      ),
    ),
  );
}
