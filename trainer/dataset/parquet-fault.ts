// What is wrong with a Parquet file, before it is known where: read-parquet.ts names file and column.

/** The message goes on after "it has ": a noun, and perhaps what to do. */
export class ParquetFault extends Error {}

export function requireOf(holds: boolean, otherwise: string): void {
  if (!holds) throw new ParquetFault(otherwise);
}
