// Stratified splits: each part holds every class in about its share, and all rows of a text. Deterministic for a
// random source.
import { must } from "#model/graph";
import { shuffle } from "../random.ts";

/**
 * Indices of two halves. Each class is split as evenly as its texts allow; where a class has an odd count,
 * the halves take turns with the one left over. Both ascend. `firstRows`: see firstRowsOf.
 */
export function splitHalves(
  labels: readonly number[],
  random: () => number,
  firstRows?: readonly number[],
): [number[], number[]] {
  const [first = [], second = []] = foldsStratified(labels, 2, random, firstRows);
  return [first, second];
}

/**
 * Indices of `folds` parts, each ascending, every index in one. Rows of a class and of one text stand in the same part,
 * so that none is held out from those that learned it, unless a class is one text: then its rows are spread.
 * Where no text is repeated, the sizes of the parts differ by at most one, in every class and in the
 * whole; where examples are left over, the next parts in turn take them.
 */
export function foldsStratified(
  labels: readonly number[],
  folds: number,
  random: () => number,
  firstRows?: readonly number[],
): number[][] {
  if (!Number.isInteger(folds) || folds < 1) throw new RangeError(`cannot split into ${folds} folds`);
  const parts = Array.from({ length: folds }, (): number[] => []);
  let extraGoesTo = 0;
  for (const indices of shuffledByClass(labels, random)) {
    const size = Math.floor(indices.length / folds);
    const extras = indices.length % folds;
    const from = extraGoesTo;
    const sizes = parts.map((_, fold) => size + ((fold - from + folds) % folds < extras ? 1 : 0));
    for (const [fold, share] of deal(byText(indices, firstRows), sizes).entries()) {
      for (const index of share) parts[fold]?.push(index);
    }
    extraGoesTo = (extraGoesTo + extras) % folds;
  }
  return parts.map((part) => part.sort((a, b) => a - b));
}

/** Groups of rows of one text, in the order in which the first of each stands. */
function byText(indices: readonly number[], firstRows: readonly number[] | undefined): number[][] {
  if (!firstRows) return indices.map((index) => [index]);
  const groups = [...Map.groupBy(indices, (index) => firstRows[index] ?? index).values()];
  return groups.length > 1 ? groups : indices.map((index) => [index]);
}

/**
 * Groups to parts of about these sizes, one part after the other. None that was to have rows is left without while
 * there are as many groups.
 */
function deal(groups: readonly number[][], sizes: readonly number[]): number[][] {
  const parts = sizes.map((size) => ({ size, rows: [] as number[] }));
  const takers = parts.filter(({ size }) => size > 0);
  let at = 0;
  for (const [dealt, group] of groups.entries()) {
    const { size, rows } = must(takers[at], "part");
    const missing = size - rows.length;
    const takersAfter = takers.length - 1 - at;
    const isClosest = missing <= 0 || group.length - missing > missing;
    const mustLeaveSome = groups.length - dealt <= takersAfter;
    if (rows.length > 0 && takersAfter > 0 && (isClosest || mustLeaveSome)) at += 1;
    const taker = must(takers[at], "part");
    for (const index of group) taker.rows.push(index);
  }
  return parts.map(({ rows }) => rows);
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
