// The examples of a test file and the labels a classifier answers them with, compared by the trainer's evaluate().
import type { TextInput } from "#model";
import type { Dataset } from "#trainer/dataset";
import { type Evaluation, evaluate } from "#trainer/evaluate";

export interface EvaluateDatasetRequest {
  readonly dataset: Dataset;
  /** The adapter's. Labels that only the dataset has count as answered wrongly. */
  readonly labels: readonly string[];
  /** The best label of each text. Called with at most TEXTS_AT_ONCE texts. */
  readonly answer: (inputs: readonly TextInput[]) => Promise<readonly string[]>;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Enough to fill batches, few enough to see progress. */
export const TEXTS_AT_ONCE = 128;

export async function evaluateDataset(request: EvaluateDatasetRequest): Promise<Evaluation> {
  const { dataset, answer, onProgress } = request;
  const labels = [...request.labels, ...unknownLabels(dataset, request.labels)];
  const classOf = new Map(labels.map((label, index) => [label, index]));
  const predicted: number[] = [];
  for (let start = 0; start < dataset.examples.length; start += TEXTS_AT_ONCE) {
    const examples = dataset.examples.slice(start, start + TEXTS_AT_ONCE);
    const answers = await answer(examples.map(({ input }) => input));
    predicted.push(...answers.map((label) => classOf.get(label) ?? -1));
    onProgress?.(predicted.length, dataset.examples.length);
  }
  const actual = dataset.examples.map(({ label }) => classOf.get(dataset.labels[label] ?? "") ?? -1);
  return evaluate(actual, predicted, labels);
}

export function unknownLabels(dataset: Dataset, known: readonly string[]): string[] {
  return dataset.labels.filter((label) => !known.includes(label));
}
