// Labels against answers: a cell's colour is its share of the row, its number the rows.
import type { HeldOutReport } from "../report.ts";
import { short } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import type { PlotBox } from "./plot.ts";

const NAME_CHARACTERS_MAX = 22;
const NAMES = 160;
const CELL_LARGE = 36;
const CELL_SMALL = 23;
/** From so many labels on, cells are small. */
const SMALL_FROM = 12;
/** Above this, the number is written in the colour of the page. */
const DARK_ABOVE = 0.55;

type Matrix = HeldOutReport["confusionMatrix"];

export function matrixBox({ labels }: Matrix): Pick<PlotBox, "width" | "height"> {
  const side = NAMES + labels.length * cellOf(labels.length) + 8;
  return { width: side, height: side };
}

export function matrixPlot({ labels, counts }: Matrix): Markup {
  const cell = cellOf(labels.length);
  const at = (index: number) => NAMES + index * cell;
  const names = labels.map((label, index) => {
    const middle = at(index) + cell / 2;
    const name = short(label, NAME_CHARACTERS_MAX);
    return markup`<text x="${NAMES - 6}" y="${middle}" dy="0.32em" text-anchor="end">${name}</text><text transform="translate(${middle} ${NAMES - 6}) rotate(-90)" dy="0.32em">${name}</text>`;
  });
  const cells = counts.flatMap((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, answer) => {
      const share = total === 0 ? 0 : count / total;
      const kind = label === answer ? "right" : "wrong";
      const title = `${labels[label]} answered with ${labels[answer]}: ${count}`;
      const number =
        count > 0 &&
        markup`<text class="count${share > DARK_ABOVE ? " dark" : ""}" x="${at(answer) + cell / 2}" y="${at(label) + cell / 2}" dy="0.35em" text-anchor="middle">${count}</text>`;
      return markup`<g><title>${title}</title><rect class="cell" x="${at(answer)}" y="${at(label)}" width="${cell - 1}" height="${cell - 1}"/><rect class="${kind}" fill-opacity="${share.toFixed(3)}" x="${at(answer)}" y="${at(label)}" width="${cell - 1}" height="${cell - 1}"/>${number || undefined}</g>`;
    });
  });
  return markup`${names}${cells}`;
}

function cellOf(labels: number): number {
  return labels < SMALL_FROM ? CELL_LARGE : CELL_SMALL;
}
