// A dataset and what its adapter should have answered → the dataset that the next version learns from, from a file to a
// file: of neither is more than a piece in memory. Where feedback gives a text of the dataset another label, feedback is
// right and those rows go. What remains of the dataset stands first, so that a training can tell the two apart by the
// row. The caller has the result checked as any upload is.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { DatasetContent } from "./content.ts";
import type { ColumnsRead } from "./dataset.ts";
import { type Texts, textsDigestOf } from "./find-repeats.ts";
import { type DatasetMediaType, readRows } from "./parse.ts";
import { tooLarge } from "./refuse.ts";
import { appendToScratch, openScratch } from "./spool-content.ts";

export interface Feedback {
  readonly text: string;
  readonly textPair?: string;
  readonly label: string;
}

/** It was read in full before, by these columns, and has these labels. */
export interface MergeableDataset {
  readonly content: DatasetContent;
  /** Shown in messages. */
  readonly fileName: string;
  readonly mediaType: DatasetMediaType;
  readonly columns: ColumnsRead;
  readonly labels: readonly string[];
}

export interface MergedDataset {
  /** JSON lines of text, text_pair where there are pairs, and label. Close it when it is done with. */
  readonly content: FileHandle;
  /** The sha256 of these, in hex. */
  readonly sha256: string;
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

/**
 * feedback: the newest first, which wins over the older on the same text. To the letter, as repeated rows are found.
 * Throws TrainerError scratch_full, and dataset_too_large beyond bytesMax; no file is left open then.
 */
export async function mergeFeedback(
  dataset: MergeableDataset,
  feedback: readonly Feedback[],
  { bytesMax }: { readonly bytesMax: number },
): Promise<MergedDataset> {
  const { newest, outdated, unfit } = sortFeedback(dataset, feedback);
  const content = await openScratch();
  try {
    const lines = new LineWriter(content, { file: dataset.fileName, bytesMax });
    const known = new Set<string>();
    let [rowsBefore, replaced] = [0, 0];
    await readRows(dataset.content, dataset, {
      onRow(row) {
        const label = row.label.trim();
        const digest = textsDigestOf(row);
        const right = newest.get(digest);
        if (right !== undefined && right.label !== label) {
          replaced += 1;
          return;
        }
        if (right !== undefined) known.add(digest);
        rowsBefore += 1;
        lines.add(row, label);
      },
      onTurn: () => lines.writeMany(),
    });
    const added = [...newest].filter(([digest]) => !known.has(digest));
    for (const [, one] of added) lines.add(textsOf(one), one.label);
    const sha256 = await lines.finish();
    const use = { added: added.length, replaced, known: known.size, outdated, unfit };
    return { content, sha256, rowsBefore, ...use };
  } catch (error) {
    await content.close();
    throw error;
  }
}

/** By the digest of its texts. */
function sortFeedback({ columns, labels: known }: MergeableDataset, feedback: readonly Feedback[]) {
  const isPairs = columns.textPair !== undefined;
  const labels = new Set(known);
  const fitting = feedback.filter(
    ({ textPair, label }) => (textPair !== undefined) === isPairs && labels.has(label),
  );
  const newest = new Map<string, Feedback>();
  for (const one of fitting) {
    const digest = textsDigestOf(textsOf(one));
    if (!newest.has(digest)) newest.set(digest, one);
  }
  return { newest, outdated: fitting.length - newest.size, unfit: feedback.length - fitting.length };
}

function textsOf({ text, textPair }: Feedback): Texts {
  return { text, textPair };
}

/** Written at once. */
const WRITTEN_CHARACTERS = 256 * 1024;

class LineWriter {
  readonly #content: FileHandle;
  readonly #limit: { readonly file: string; readonly bytesMax: number };
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #waiting: string[] = [];
  #waitingCharacters = 0;

  constructor(content: FileHandle, limit: { file: string; bytesMax: number }) {
    this.#content = content;
    this.#limit = limit;
  }

  /** It waits to be written. */
  add({ text, textPair }: Texts, label: string): void {
    const row = { text, ...(textPair !== undefined && { text_pair: textPair }), label };
    const line = `${JSON.stringify(row)}\n`;
    this.#waiting.push(line);
    this.#waitingCharacters += line.length;
  }

  /** Undefined while too little waits. Call it again once it has settled. */
  writeMany(): Promise<void> | undefined {
    return this.#waitingCharacters < WRITTEN_CHARACTERS ? undefined : this.#write();
  }

  /** The sha256 of all, in hex. */
  async finish(): Promise<string> {
    await this.#write();
    return this.#hash.digest("hex");
  }

  async #write(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingCharacters = 0;
    this.#bytes += bytes.length;
    const { file, bytesMax } = this.#limit;
    if (this.#bytes > bytesMax) {
      const limit = `${bytesMax / (1024 * 1024)} MiB, the limit of a retraining`;
      const remedy = "add the feedback to the file yourself, upload that, and train on it";
      throw tooLarge({ file }, `with its feedback, as JSON lines, it is larger than ${limit}; ${remedy}`);
    }
    this.#hash.update(bytes);
    await appendToScratch(this.#content, bytes);
  }
}
