// Stratified splits: each part holds every class in about its share. Deterministic for a random source.
import { shuffle } from "../random.ts";

/**
 * Indices of two halves. Each class is split as evenly as possible; where a class has an odd count,
 * the halves take turns with the one left over. Both ascend.
 */
export function splitHalves(labels: readonly number[], random: () => number): [number[], number[]] {
  const [first = [], second = []] = foldsStratified(labels, 2, random);
  return [first, second];
}

/**
 * Indices of `folds` parts, each ascending, every index in one. The sizes of the parts differ by at most
 * one, in every class and in the whole; where examples are left over, the next parts in turn take them.
 */
export function foldsStratified(labels: readonly number[], folds: number, random: () => number): number[][] {
  if (!Number.isInteger(folds) || folds < 1) throw new RangeError(`cannot split into ${folds} folds`);
  const parts = Array.from({ length: folds }, (): number[] => []);
  let extraGoesTo = 0;
  for (const indices of shuffledByClass(labels, random)) {
    const size = Math.floor(indices.length / folds);
    const extras = indices.length % folds;
    let taken = 0;
    for (const [fold, part] of parts.entries()) {
      const hasExtra = (fold - extraGoesTo + folds) % folds < extras;
      const end = taken + size + (hasExtra ? 1 : 0);
      for (const index of indices.slice(taken, end)) part.push(index);
      taken = end;
    }
    extraGoesTo = (extraGoesTo + extras) % folds;
  }
  return parts.map((part) => part.sort((a, b) => a - b));
}

function shuffledByClass(labels: readonly number[], random: () => number): number[][] {
  const byClass = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const indices = byClass.get(label);
    if (indices) indices.push(index);
    else byClass.set(label, [index]);
  }
  return [...byClass.entries()].sort(([a], [b]) => a - b).map(([, indices]) => shuffle(indices, random));
}
