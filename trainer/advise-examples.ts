// Which labels more examples would help most, and why: from the figures of held-out rows and the counts of the
// training file. Words for people, kinds for programs.
import type { LabelEvaluation } from "./evaluate.ts";
import { ADVICE_MAX, type Advice, type AdviceReason, type HeldOutReport } from "./report.ts";

/** Below so many examples a label is said to have few: the README asks for as many. */
const FEW_EXAMPLES_BELOW = 16;
/** A figure is low below the mean of the labels, and below this: what is good needs no advice. */
const LOW_BELOW = 0.9;
/** A confusion is named where it has so many rows, and so large a part of the label's rows. */
const TAKEN_FOR_ROWS_MIN = 2;
const TAKEN_FOR_SHARE_MIN = 0.1;
const TAKEN_FOR_NAMED_MAX = 2;

export interface AdviceInput {
  readonly perLabel: readonly LabelEvaluation[];
  readonly confusions: HeldOutReport["confusions"];
  /** Examples of the training file by label. */
  readonly examples: ReadonlyMap<string, number>;
}

/** Labels with a reason, of least F1 first, of equal F1 those of fewer examples; at most ADVICE_MAX. */
export function adviseExamples({ perLabel, confusions, examples }: AdviceInput): Advice[] {
  const held = perLabel.filter(({ support }) => support > 0);
  const means = { recall: mean(held, "recall"), precision: mean(held, "precision") };
  return held
    .map((figures) => {
      const count = examples.get(figures.label) ?? 0;
      const reasons = reasonsOf(figures, { examples: count, means, confusions });
      const { label, f1 } = figures;
      return { label, examples: count, f1, reasons, message: messageOf(label, reasons) };
    })
    .filter(({ reasons }) => reasons.length > 0)
    .toSorted((a, b) => a.f1 - b.f1 || a.examples - b.examples)
    .slice(0, ADVICE_MAX);
}

function mean(held: readonly LabelEvaluation[], figure: "recall" | "precision"): number {
  return held.reduce((sum, one) => sum + one[figure], 0) / held.length;
}

function reasonsOf(
  { label, recall, precision, support }: LabelEvaluation,
  {
    examples,
    means,
    confusions,
  }: Pick<AdviceInput, "confusions"> & {
    examples: number;
    means: { recall: number; precision: number };
  },
): AdviceReason[] {
  const reasons: AdviceReason[] = [];
  const isLow = (value: number, ofLabels: number) => value < Math.min(ofLabels, LOW_BELOW);
  if (isLow(recall, means.recall)) reasons.push({ kind: "low_recall", recall, n: support });
  if (isLow(precision, means.precision)) reasons.push({ kind: "low_precision", precision });
  // Few examples of a label that is told well do no harm.
  if (examples < FEW_EXAMPLES_BELOW && (reasons.length > 0 || recall < LOW_BELOW)) {
    reasons.push({ kind: "few_examples", examples });
  }
  if (reasons.length === 0) return [];
  const taken = confusions
    .filter((one) => one.label === label && one.count >= TAKEN_FOR_ROWS_MIN)
    .filter(({ count }) => count >= TAKEN_FOR_SHARE_MIN * support)
    .slice(0, TAKEN_FOR_NAMED_MAX)
    .map(({ answer, count }): AdviceReason => ({ kind: "taken_for", label: answer, count }));
  return [...reasons, ...taken];
}

function messageOf(label: string, reasons: readonly AdviceReason[]): string {
  const taken = reasons.flatMap((reason) => (reason.kind === "taken_for" ? [reason.label] : []));
  const remedy =
    taken.length > 0
      ? `Add examples of "${label}", above all such as could be taken for ${taken.map((name) => `"${name}"`).join(" or ")}.`
      : `Add examples of "${label}".`;
  return `"${label}": ${reasons.map(wordsOf).join("; ")}. ${remedy}`;
}

function wordsOf(reason: AdviceReason): string {
  switch (reason.kind) {
    case "low_recall":
      return `${percent(reason.recall)} of its ${reason.n} held-out rows are found`;
    case "low_precision":
      return `${percent(reason.precision)} of the answers with it are right`;
    case "few_examples":
      return `it has only ${reason.examples} examples`;
    case "taken_for":
      return `${reason.count} rows are taken for "${reason.label}"`;
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
