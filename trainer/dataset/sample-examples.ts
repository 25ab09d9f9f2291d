// Of more examples than a training can hold, so many drawn: each label in its share, rare labels whole. Of a file, only
// those that are drawn are ever in memory: it is read once for its labels, and again for their texts.
import { createRandom, shuffle } from "../random.ts";
import type { DatasetContent } from "./content.ts";
import type { Dataset, Example } from "./dataset.ts";
import { type ParseOptions, readExamples, readInputs } from "./parse.ts";
import { refusal } from "./refuse.ts";

/** A label keeps so many, if it has them, however small its share is; as many as advice does not call few. */
export const KEPT_PER_LABEL = 16;

/**
 * At most `most`, in the order of the file; all where there are no more. The same seed draws the same.
 * `most` is at least KEPT_PER_LABEL times the labels.
 */
export function sampleExamples(examples: readonly Example[], limit: SampleLimit): readonly Example[] {
  if (examples.length <= limit.most) return examples;
  const drawn = draw(
    examples.map(({ label }) => label),
    limit,
  );
  return drawn.flatMap((index) => examples[index] ?? []);
}

export interface SampleLimit {
  readonly most: number;
  readonly seed: number;
}

/** As sampleExamples draws. Throws TrainerError invalid_dataset or dataset_too_large. */
export async function readSample(
  content: DatasetContent,
  { limit, ...options }: ParseOptions & { readonly limit: SampleLimit },
): Promise<Dataset> {
  const { classes, rows, ...read } = await readExamples(content, options);
  const isSampled = rows.length > limit.most;
  const drawn = isSampled ? draw(classes, limit) : [...rows.keys()];
  const examples: Example[] = [];
  let index = -1;
  await readInputs(content, { ...options, columns: read.columns }, (input) => {
    index += 1;
    if (drawn[examples.length] !== index) return;
    examples.push({ input, label: classes[index] ?? 0, row: rows[index] ?? 0 });
  });
  if (index + 1 !== rows.length)
    throw refusal({ file: options.fileName }, "the file was changed while it was read; start again");
  return { ...read, examples, ...(isSampled && { sampledFrom: rows.length }) };
}

/** Indices, ascending. */
function draw(classes: ArrayLike<number>, { most, seed }: SampleLimit): number[] {
  const count = classes.length;
  const byLabel = Map.groupBy(Array(count).keys(), (index) => classes[index]);
  const members = [...byLabel.values()];
  const kept = members.map(({ length }) => Math.min(length, KEPT_PER_LABEL));
  const keptInAll = kept.reduce((sum, count) => sum + count, 0);
  const share = (most - keptInAll) / (count - keptInAll);
  const random = createRandom(seed);
  const drawn = members.flatMap((indices, at) => {
    const least = kept[at] ?? 0;
    const taken = least + Math.floor((indices.length - least) * share);
    return shuffle(indices, random).slice(0, taken);
  });
  return drawn.sort((a, b) => a - b);
}
