// A trained adapter on a labelled file, through the classifier that serves.
import type { Adapter } from "#model";
import type { Classifier } from "#model/runtime";
import type { Dataset } from "#trainer/dataset";
import { type Evaluation, evaluate } from "#trainer/evaluate";
import { BenchError } from "./errors.ts";

/** Texts given to the classifier at once. */
const TEXTS_AT_ONCE = 128;

/**
 * `dataset`'s labels are found among the adapter's by their strings.
 * Throws BenchError unknown_label for one that the adapter has never seen.
 */
export async function evaluateAdapter(
  classifier: Classifier,
  { key, adapter }: { key: string; adapter: Adapter },
  { dataset, file }: { dataset: Dataset; file: string },
): Promise<Evaluation> {
  const actual = classesOf(dataset, adapter.labels, file);
  return evaluate(actual, await predictClasses(classifier, { key, adapter }, dataset), adapter.labels);
}

/** The class with the highest score, of each example. */
export async function predictClasses(
  classifier: Classifier,
  { key, adapter }: { key: string; adapter: Adapter },
  dataset: Dataset,
): Promise<number[]> {
  const handle = { tenant: "bench", digest: key, load: async () => adapter };
  const predicted: number[] = [];
  for (let start = 0; start < dataset.examples.length; start += TEXTS_AT_ONCE) {
    const examples = dataset.examples.slice(start, start + TEXTS_AT_ONCE);
    const answers = await classifier.classify(
      handle,
      examples.map(({ input }) => input),
    );
    predicted.push(...answers.map(({ scores_C }) => indexOfLargest(scores_C)));
  }
  return predicted;
}

/** Each example's class among the labels an adapter learned. Throws BenchError unknown_label. */
export function classesOf(dataset: Dataset, learned: readonly string[], file: string): number[] {
  return dataset.examples.map(({ label, row }) => {
    const name = dataset.labels[label] ?? "";
    const index = learned.indexOf(name);
    if (index >= 0) return index;
    throw new BenchError(
      "unknown_label",
      `${file}, row ${row}: the label "${name}" is not among those of the training file (${learned.join(", ")}). Train on every label that the test file holds.`,
    );
  });
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? 0) ? index : best), 0);
}
