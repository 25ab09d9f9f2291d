// Some items of a list, some rows of a matrix that lies row by row.
import { must } from "#model/graph";

/** In the order of the indices. */
export function pick<Item>(items: readonly Item[], indices: readonly number[]): Item[] {
  return indices.map((index) => must(items[index], "item"));
}

/** [n, width] rows at the indices. */
export function pickRows(matrix: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const rows = new Float32Array(indices.length * width);
  for (const [at, index] of indices.entries()) {
    rows.set(matrix.subarray(index * width, (index + 1) * width), at * width);
  }
  return rows;
}
