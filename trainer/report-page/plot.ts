// What the plots share: a frame with axes, round ticks, and a figure with its words and its table.
import { type Markup, markup } from "./markup.ts";

export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly format: (value: number) => string;
}

/** Pixels of the drawing, and of its margins. */
export interface PlotBox {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Scales {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

const TICKS = 5;

/** Values to pixels; y grows upwards. */
export function scalesOf(x: Axis, y: Axis, box: PlotBox): Scales {
  const { width, height, left, right, top, bottom } = box;
  const share = ({ from, to }: Axis, value: number) => (to === from ? 0.5 : (value - from) / (to - from));
  return {
    x: (value) => left + share(x, value) * (width - left - right),
    y: (value) => height - bottom - share(y, value) * (height - top - bottom),
  };
}

/** Lines and numbers at round values, and the axes' names. */
export function axes(x: Axis, y: Axis, box: PlotBox): Markup {
  const scales = scalesOf(x, y, box);
  const { width, height, left, right, top, bottom } = box;
  const base = height - bottom;
  const vertical = ticksOf(y).map((value) => {
    const at = pixel(scales.y(value));
    return markup`<line class="grid" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at}" dy="0.32em" text-anchor="end">${y.format(value)}</text>`;
  });
  const horizontal = ticksOf(x).map((value) => {
    const at = pixel(scales.x(value));
    return markup`<line class="grid" x1="${at}" x2="${at}" y1="${base}" y2="${base + 4}"/><text x="${at}" y="${base + 17}" text-anchor="middle">${x.format(value)}</text>`;
  });
  const middle = pixel((left + width - right) / 2);
  return markup`${vertical}${horizontal}<line class="axis" x1="${left}" x2="${width - right}" y1="${base}" y2="${base}"/><text class="name" x="${middle}" y="${height - 4}" text-anchor="middle">${x.label}</text><text class="name" transform="translate(12 ${pixel((top + base) / 2)}) rotate(-90)" text-anchor="middle">${y.label}</text>`;
}

/** A tenth of a pixel is enough. */
export function pixel(value: number): string {
  return value.toFixed(1);
}

/** Round values from one end to the other, 1, 2 or 5 times a power of ten apart. */
export function ticksOf({ from, to }: Pick<Axis, "from" | "to">): number[] {
  if (to <= from) return [from];
  const rough = (to - from) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) as number);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

export interface FigureParts {
  /** Unique on the page, of letters and "-". */
  readonly id: string;
  readonly title: string;
  /** What is to be seen, for who cannot see it. */
  readonly description: string;
  readonly box: Pick<PlotBox, "width" | "height">;
  readonly drawing: Markup;
  readonly caption: string;
  /** The same as a table. */
  readonly table?: Markup;
}

export function figureOf({ id, title, description, box, drawing, caption, table }: FigureParts): Markup {
  const { width, height } = box;
  const inWords =
    table &&
    markup`<details><summary>The same as a table</summary><div class="wide">${table}</div></details>`;
  return markup`<figure><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-description"><title id="${id}-title">${title}</title><desc id="${id}-description">${description}</desc>${drawing}</svg><figcaption>${caption}</figcaption>${inWords}</figure>
`;
}

/** Rows of cells; the first column of each row heads it. Columns align right but the first and those of words. */
export function tableOf(
  caption: string,
  heading: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  wordColumns: readonly number[] = [],
): Markup {
  const kindOf = (column: number) => (column === 0 || wordColumns.includes(column) ? "words" : "figures");
  const head = heading.map((name, column) => markup`<th scope="col" class="${kindOf(column)}">${name}</th>`);
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell, index) => markup`<td class="${kindOf(index + 1)}">${cell}</td>`);
    return markup`<tr><th scope="row" class="words">${first}</th>${cells}</tr>
`;
  });
  return markup`<table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table>
`;
}
