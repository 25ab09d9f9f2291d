// Of more examples than a training can hold, so many drawn: each label in its share, rare labels whole.
import { createRandom, shuffle } from "../random.ts";
import type { Example } from "./dataset.ts";

/** A label keeps so many, if it has them, however small its share is; as many as advice does not call few. */
export const KEPT_PER_LABEL = 16;

/**
 * At most `most`, in the order of the file; all where there are no more. The same seed draws the same.
 * `most` is at least KEPT_PER_LABEL times the labels.
 */
export function sampleExamples(
  examples: readonly Example[],
  { most, seed }: { most: number; seed: number },
): readonly Example[] {
  if (examples.length <= most) return examples;
  const byLabel = Map.groupBy(examples.keys(), (index) => examples[index]?.label);
  const members = [...byLabel.values()];
  const kept = members.map(({ length }) => Math.min(length, KEPT_PER_LABEL));
  const keptInAll = kept.reduce((sum, count) => sum + count, 0);
  const share = (most - keptInAll) / (examples.length - keptInAll);
  const random = createRandom(seed);
  const drawn = members.flatMap((indices, at) => {
    const least = kept[at] ?? 0;
    const count = least + Math.floor((indices.length - least) * share);
    return shuffle(indices, random).slice(0, count);
  });
  return drawn.sort((a, b) => a - b).flatMap((index) => examples[index] ?? []);
}
