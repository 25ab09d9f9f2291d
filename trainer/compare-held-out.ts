// What feedback is worth: on the same held-out rows, what is learned with it and what is learned without. The version
// that answers now has learned from most of these rows, so its own answers to them would say nothing; what stands in
// for it learns anew from the other rows of its dataset, and has seen none of those that it answers.
import { indexOfLargest } from "#model";
import { evaluate } from "./evaluate.ts";
import { pick } from "./pick-rows.ts";
import type { ComparisonReport } from "./report.ts";

/** Each [n, C] of the rows. */
export interface ComparedLogits {
  readonly candidate: Float32Array;
  readonly production: Float32Array;
}

export interface ComparedRows {
  /** Of the adapter, that is compared with. */
  readonly version: number;
  /** Of each row, its class. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly isFeedback: readonly boolean[];
}

/** Figures alone: no row, no text. */
export function compareHeldOut(
  logits: ComparedLogits,
  { version, labels, classes, isFeedback }: ComparedRows,
): ComparisonReport {
  const candidate = answersOf(logits.candidate, classes.length);
  const production = answersOf(logits.production, classes.length);
  const figuresOn = (rows: readonly number[], answers: readonly number[]) => {
    const { accuracy, macroF1 } = evaluate(pick(labels, rows), pick(answers, rows), classes);
    return { accuracy, macroF1 };
  };
  const all = labels.map((_, row) => row);
  const feedback = all.filter((row) => isFeedback[row]);
  return {
    ...{ version, how: describe(version), n: labels.length },
    candidate: figuresOn(all, candidate),
    production: figuresOn(all, production),
    ...(feedback.length > 0 && {
      onFeedback: {
        n: feedback.length,
        candidate: figuresOn(feedback, candidate).accuracy,
        production: figuresOn(feedback, production).accuracy,
      },
    }),
  };
}

function answersOf(logits_BC: Float32Array, classes: number): number[] {
  return Array.from({ length: logits_BC.length / classes }, (_, row) =>
    indexOfLargest(logits_BC.subarray(row * classes, (row + 1) * classes)),
  );
}

function describe(version: number): string {
  return [
    "Both figures are of held-out rows of the dataset with feedback, of the same folds:",
    "candidate learned from the other rows; production stands for what version",
    `${version} was trained on, and learned from the other rows without feedback, and without rows that feedback has corrected.`,
    `Version ${version} itself was not asked, since it has learned from rows that are held out here.`,
    "Both were trained as the candidate was chosen to be, which favours it a little.",
    "Feedback is mostly what was answered wrongly, so figures on it are no share of all requests.",
  ].join(" ");
}
