// How good a classifier's answers are: accuracy, macro-F1 and the figures of each label. Who answers is passed in.
import type { TextInput } from "#model";
import type { Dataset } from "./dataset/dataset.ts";

export interface LabelEvaluation {
  readonly label: string;
  /** Of the examples answered with this label, the share that has it; 0 when none was. */
  readonly precision: number;
  /** Of the examples that have this label, the share answered with it; 0 when none has it. */
  readonly recall: number;
  readonly f1: number;
  /** Examples that have this label. */
  readonly support: number;
}

export interface Evaluation {
  readonly accuracy: number;
  /** Mean F1 of the labels that occur, among the examples or among the answers. */
  readonly macroF1: number;
  readonly n: number;
  /** In the order of labels, those without examples included. */
  readonly perLabel: readonly LabelEvaluation[];
}

/**
 * Class indices into labels, one of each per example.
 *   precision_c = hit_c / answered_c,  recall_c = hit_c / support_c,  F1_c = 2 hit_c / (answered_c + support_c)
 */
export function evaluate(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  labels: readonly string[],
): Evaluation {
  if (actual.length !== predicted.length) {
    throw new Error(`invariant: ${actual.length} examples have ${predicted.length} answers`);
  }
  const support_C = countByClass(actual, labels.length);
  const answered_C = countByClass(predicted, labels.length);
  const hits = Array.from(actual).filter((label, index) => label === predicted[index]);
  const hits_C = countByClass(hits, labels.length);
  const perLabel = labels.map((label, index) => {
    const [hit = 0, answered = 0, support = 0] = [hits_C[index], answered_C[index], support_C[index]];
    return {
      label,
      precision: ratio(hit, answered),
      recall: ratio(hit, support),
      f1: ratio(2 * hit, answered + support),
      support,
    };
  });
  const occurring = perLabel.filter((_, index) => (support_C[index] ?? 0) + (answered_C[index] ?? 0) > 0);
  return {
    accuracy: ratio(hits.length, actual.length),
    macroF1: ratio(
      occurring.reduce((sum, { f1 }) => sum + f1, 0),
      occurring.length,
    ),
    n: actual.length,
    perLabel,
  };
}

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

/** The examples of a test file and the labels they are answered with. */
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

function countByClass(classes: ArrayLike<number>, classCount: number): Uint32Array {
  const count_C = new Uint32Array(classCount);
  for (const label of Array.from(classes)) {
    if (!Number.isInteger(label) || label < 0 || label >= classCount) {
      throw new Error(`invariant: class ${label} is one of ${classCount}`);
    }
    count_C[label] = (count_C[label] ?? 0) + 1;
  }
  return count_C;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
