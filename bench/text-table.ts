// Results for people: aligned columns and figures.

/** Columns as wide as their widest cell; the first row is the heading, all but the first column align right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  return rows.map((row) => `${line(row).join("  ").trimEnd()}\n`).join("");
}

/** 0.8134 → "81.3 %" */
export function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}

/** Whole numbers with commas: 12345.6 → "12,346". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function targetLine(name: string, figure: string, target: string, met: boolean): string {
  return `${name}: ${figure}, target ${target}: ${met ? "met" : "NOT met"}\n`;
}
