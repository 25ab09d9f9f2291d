// A label's name as text to learn from. With few examples a class, what "positive" or "refund" means to the
// encoder is worth several of them; names that mean nothing to it ("3", "other") are worth less than none.
import { must } from "#model/graph";
import { standardError } from "./standard-error.ts";

/** What is around a name; each gives one text a label, so that the encoder sees the name and not the setting. */
const TEMPLATES = [
  "{}",
  "This is {}.",
  "This sentence is {}.",
  "It was {}.",
  "A text about {}.",
  "This is about {}.",
  "{}!",
  "The text is {}.",
  "An example of {}.",
  "It is {}.",
  "I would call this {}.",
  "Something {}.",
];

/** Rows from which names are not tried: so many examples say more. */
export const LABEL_NAMES_BELOW_ROWS = 2_000;

export interface LabelNamesReport {
  /** Whether the names were learned beside the examples. */
  readonly taught: boolean;
  /** Share of the examples nearer to their label's name than to any other's. */
  readonly accuracy: number;
  /** Share of the examples nearer to the mean of their label's other examples. */
  readonly examplesAccuracy: number;
}

/** Texts that say a label's name and nothing else, one a template. */
export function labelNameTexts(label: string): string[] {
  const name = spokenName(label);
  return TEMPLATES.map((template) => template.replace("{}", () => name));
}

/** "card_payment-fee" and "cardPaymentFee" as words. */
export function spokenName(label: string): string {
  return label
    .replaceAll(/[_\-./]+/g, " ")
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** Unit vectors in rows, and the class of each. */
interface Vectors {
  readonly features_BD: Float32Array;
  readonly labels: readonly number[];
}

/**
 * Whether names are worth learning: unless the examples' own class means, each example left out of its
 * own, tell the examples apart better by more than a standard error.
 */
export function judgeLabelNames(
  examples: Vectors,
  names: Vectors,
  { width, classes }: { width: number; classes: number },
): LabelNamesReport {
  const nameSums = classSums(names, width, classes);
  const exampleSums = classSums(examples, width, classes);
  const n = examples.labels.length;
  let [byNames, byExamples] = [0, 0];
  for (const [row, label] of examples.labels.entries()) {
    const x = examples.features_BD.subarray(row * width, (row + 1) * width);
    if (nearest(nameSums, x) === label) byNames += 1;
    const own = must(exampleSums[label], "class");
    const others = exampleSums.with(
      label,
      own.map((value, d) => value - (x[d] ?? 0)),
    );
    if (nearest(others, x) === label) byExamples += 1;
  }
  const [accuracy, examplesAccuracy] = [byNames / n, byExamples / n];
  const taught = examplesAccuracy - accuracy <= standardError(examplesAccuracy, n);
  return { taught, accuracy, examplesAccuracy };
}

function classSums({ features_BD, labels }: Vectors, width: number, classes: number): Float64Array[] {
  const sums = Array.from({ length: classes }, () => new Float64Array(width));
  for (const [row, label] of labels.entries()) {
    const sum = must(sums[label], "class");
    for (let d = 0; d < width; d++) sum[d] = (sum[d] ?? 0) + (features_BD[row * width + d] ?? 0);
  }
  return sums;
}

/** The class of the largest cosine. */
function nearest(sums: readonly Float64Array[], x: Float32Array): number {
  let [best, most] = [0, Number.NEGATIVE_INFINITY];
  for (const [label, sum] of sums.entries()) {
    let [product, square] = [0, 0];
    for (let d = 0; d < x.length; d++) {
      product += (sum[d] ?? 0) * (x[d] ?? 0);
      square += (sum[d] ?? 0) ** 2;
    }
    const cosine = square > 0 ? product / Math.sqrt(square) : Number.NEGATIVE_INFINITY;
    if (cosine > most) [best, most] = [label, cosine];
  }
  return best;
}
