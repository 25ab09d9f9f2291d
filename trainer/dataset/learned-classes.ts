// A second file's labels as the classes of the first.
import type { Dataset } from "./dataset.ts";
import { listed, quoted, refusal } from "./refuse.ts";

/** Each example's class among `learned`. Throws TrainerError invalid_dataset for a label that is not. */
export function classesAmong(
  { examples, labels }: Dataset,
  learned: readonly string[],
  file: string,
): number[] {
  const classByName = new Map(learned.map((name, index) => [name, index]));
  const classes = labels.map((name) => classByName.get(name));
  return examples.map(({ label, row }) => {
    const index = classes[label];
    if (index !== undefined) return index;
    const name = labels[label] ?? "";
    const what = `the label ${quoted(name)} is not among those of the training file (${listed(learned)})`;
    throw refusal({ file, row, column: "label" }, `${what}; correct it, or add examples of it there`);
  });
}
