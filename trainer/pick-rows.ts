// Some rows of a matrix that lies row by row.

/** [n, width] rows at the indices. */
export function pickRows(matrix: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const rows = new Float32Array(indices.length * width);
  for (const [at, index] of indices.entries()) {
    rows.set(matrix.subarray(index * width, (index + 1) * width), at * width);
  }
  return rows;
}
