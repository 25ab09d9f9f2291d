// Some rows of each label, at random, so that a large training file is learned in minutes.
import { createRandom, shuffle } from "#trainer";
import type { Dataset } from "#trainer/dataset";

/** At most `perLabel` rows of each label, in the order of the file. */
export function drawRows(dataset: Dataset, { perLabel, seed }: { perLabel: number; seed: number }): Dataset {
  const taken = dataset.labels.map(() => 0);
  const drawn = shuffle(dataset.examples, createRandom(seed)).filter(({ label }) => {
    taken[label] = (taken[label] ?? 0) + 1;
    return (taken[label] ?? 0) <= perLabel;
  });
  return { ...dataset, examples: drawn.toSorted((a, b) => a.row - b.row) };
}
