// Lines over steps, each named where it ends.
import { short } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { type Axis, axes, type PlotBox, pixel, scalesOf } from "./plot.ts";

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** 0 … LINE_COLORS - 1: a class of the stylesheet. */
  readonly color: number;
  /** Drawn broken, behind the others. */
  readonly faint?: boolean;
}

export const LINE_COLORS = 8;
export const LINE_BOX: PlotBox = { width: 680, height: 300, left: 64, right: 120, top: 12, bottom: 44 };

const NAME_CHARACTERS_MAX = 18;
/** Between the names of two lines that end close to each other. */
const NAME_GAP = 13;

export function linePlot(lines: readonly Line[], x: Axis, y: Axis): Markup {
  const { x: xOf, y: yOf } = scalesOf(x, y, LINE_BOX);
  const drawn = lines.toSorted((a, b) => Number(b.faint ?? false) - Number(a.faint ?? false));
  const paths = drawn.map(({ points, color, faint, name }) => {
    const path = points.map((point) => `${pixel(xOf(point.x))} ${pixel(yOf(point.y))}`).join(" L");
    return markup`<path class="line color-${color}${faint ? " faint" : ""}" d="M${path}"><title>${name}</title></path>`;
  });
  const dots = drawn.flatMap(({ points, color, name }) => {
    const [only] = points;
    if (!only || points.length > 1) return [];
    return [
      markup`<circle class="dot color-${color}" cx="${pixel(xOf(only.x))}" cy="${pixel(yOf(only.y))}" r="3"><title>${name}</title></circle>`,
    ];
  });
  return markup`${axes(x, y, LINE_BOX)}${paths}${dots}${endNames(lines, yOf)}`;
}

function endNames(lines: readonly Line[], yOf: (value: number) => number): Markup[] {
  const ends = lines
    .map(({ name, points, color, faint }) => ({ name, color, faint, at: yOf(points.at(-1)?.y ?? 0) }))
    .toSorted((a, b) => a.at - b.at);
  const places = spread(
    ends.map(({ at }) => at),
    NAME_GAP,
    LINE_BOX.height - LINE_BOX.bottom,
  );
  const left = LINE_BOX.width - LINE_BOX.right + 6;
  return ends.map(
    ({ name, color, faint }, index) =>
      markup`<text class="end color-${color}${faint ? " faint" : ""}" x="${left}" y="${pixel(places[index] ?? 0)}" dy="0.32em">${short(name, NAME_CHARACTERS_MAX)}</text>`,
  );
}

/** Ascending places, moved apart to at least `gap`, the last at most at `lowest`. */
export function spread(places: readonly number[], gap: number, lowest: number): number[] {
  const down: number[] = [];
  for (const place of places) down.push(Math.max(place, (down.at(-1) ?? Number.NEGATIVE_INFINITY) + gap));
  const up: number[] = [];
  for (const place of down.toReversed()) up.push(Math.min(place, (up.at(-1) ?? lowest + gap) - gap));
  return up.toReversed();
}
