// [rows, columns] → [columns, rows]: torch keeps linear weights as [out, in], this code base as [in, out].

const BLOCK = 32;

export function transpose<Values extends Float32Array | Float64Array>(
  values: Values,
  rows: number,
  columns: number,
): Values {
  const transposed = values.slice() as Values;
  // In blocks, so that both sides stay in the processor's cache.
  for (let rowBlock = 0; rowBlock < rows; rowBlock += BLOCK) {
    const rowEnd = Math.min(rowBlock + BLOCK, rows);
    for (let columnBlock = 0; columnBlock < columns; columnBlock += BLOCK) {
      const columnEnd = Math.min(columnBlock + BLOCK, columns);
      for (let row = rowBlock; row < rowEnd; row++) {
        for (let column = columnBlock; column < columnEnd; column++) {
          transposed[column * rows + row] = values[row * columns + column] ?? 0;
        }
      }
    }
  }
  return transposed;
}
