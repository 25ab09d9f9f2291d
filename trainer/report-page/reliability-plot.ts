// How often answers of a score are right: on the diagonal, scores can be taken at their word.
import type { HeldOutReport } from "../report.ts";
import { percent } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { type Axis, axes, type PlotBox, pixel, scalesOf } from "./plot.ts";

export const RELIABILITY_BOX: PlotBox = { width: 420, height: 360, left: 64, right: 28, top: 16, bottom: 44 };

const BINS = 10;
const tenths = (value: number) => `${Math.round(100 * value)} %`;
const X: Axis = { label: "score of the answer", from: 0, to: 1, format: tenths };
const Y: Axis = { label: "right", from: 0, to: 1, format: tenths };

export function reliabilityPlot(bins: HeldOutReport["calibration"]["bins"]): Markup {
  const { x, y } = scalesOf(X, Y, RELIABILITY_BOX);
  const bars = bins.map(({ n, confidence, accuracy }) => {
    const from = Math.min(BINS - 1, Math.floor(confidence * BINS)) / BINS;
    const [left, right] = [x(from) + 1, x(from + 1 / BINS) - 1];
    const title = `${n} answers of ${percent(confidence)} in the mean, ${percent(accuracy)} right`;
    return markup`<g><title>${title}</title><rect class="bar" x="${pixel(left)}" width="${pixel(right - left)}" y="${pixel(y(accuracy))}" height="${pixel(y(0) - y(accuracy))}"/><circle class="mean" cx="${pixel(x(confidence))}" cy="${pixel(y(accuracy))}" r="3.5"/><text class="small" x="${pixel((left + right) / 2)}" y="${pixel(y(0) - 5)}" text-anchor="middle">${n}</text></g>`;
  });
  const diagonal = markup`<line class="diagonal" x1="${pixel(x(0))}" y1="${pixel(y(0))}" x2="${pixel(x(1))}" y2="${pixel(y(1))}"/>`;
  return markup`${axes(X, Y, RELIABILITY_BOX)}${bars}${diagonal}`;
}
