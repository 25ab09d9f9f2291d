// Stratified splits: each part holds every class in about its share. Deterministic for a random source.
import { shuffle } from "../random.ts";

/**
 * Indices of two halves. Each class is split as evenly as possible; where a class has an odd count,
 * the halves take turns with the one left over. Both ascend.
 */
export function splitHalves(labels: readonly number[], random: () => number): [number[], number[]] {
  const halves: [number[], number[]] = [[], []];
  let extraGoesFirst = true;
  for (const indices of shuffledByClass(labels, random)) {
    const odd = indices.length % 2 === 1;
    const firstSize = Math.floor(indices.length / 2) + (odd && extraGoesFirst ? 1 : 0);
    if (odd) extraGoesFirst = !extraGoesFirst;
    halves[0].push(...indices.slice(0, firstSize));
    halves[1].push(...indices.slice(firstSize));
  }
  halves[0].sort((a, b) => a - b);
  halves[1].sort((a, b) => a - b);
  return halves;
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
