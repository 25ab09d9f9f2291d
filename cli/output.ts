// Results as text: aligned columns and figures, readable without colour.

/** Columns as wide as their widest cell; the first line is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** 0.8134 → "81.3 %" */
export function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
