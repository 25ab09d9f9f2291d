// A trained adapter on a labelled file, through the classifier that serves.
import { type Adapter, indexOfLargest } from "#model";
import type { Classification, Classifier } from "#model/runtime";
import type { Dataset } from "#trainer/dataset";
import { type Evaluation, evaluate } from "#trainer/evaluate";
import { BenchError } from "./errors.ts";

export interface NamedAdapter {
  /** Another for each adapter of a classifier. */
  readonly key: string;
  readonly adapter: Adapter;
}

/** Texts given to the classifier at once. */
const TEXTS_AT_ONCE = 128;

/**
 * `dataset`'s labels are found among the adapter's by their strings.
 * Throws BenchError unknown_label for one that the adapter has never seen.
 */
export async function evaluateAdapter(
  classifier: Classifier,
  named: NamedAdapter,
  { dataset, file }: { dataset: Dataset; file: string },
): Promise<Evaluation> {
  const { labels } = named.adapter;
  const actual = classesOf(dataset, labels, file);
  return evaluate(actual, await predictClasses(classifier, named, dataset), labels);
}

/** The class with the highest score, of each example. */
export async function predictClasses(
  classifier: Classifier,
  named: NamedAdapter,
  dataset: Dataset,
): Promise<number[]> {
  const answers = await classifyDataset(classifier, named, dataset);
  return answers.map(({ scores_C }) => indexOfLargest(scores_C));
}

/** The classifier's answers, in the order of the examples. */
export async function classifyDataset(
  classifier: Classifier,
  { key, adapter }: NamedAdapter,
  { examples }: Dataset,
): Promise<Classification[]> {
  const handle = { tenant: "bench", digest: key, load: async () => adapter };
  const answers: Classification[] = [];
  for (let start = 0; start < examples.length; start += TEXTS_AT_ONCE) {
    const inputs = examples.slice(start, start + TEXTS_AT_ONCE).map(({ input }) => input);
    answers.push(...(await classifier.classify(handle, inputs)));
  }
  return answers;
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
