// Task summaries as an SVG dot plot: a row a task, a dot a method at its mean, a line of one deviation.
import type { MethodSummary, TaskSummary } from "./summarize-cells.ts";

const LEFT = 110;
const PLOT_WIDTH = 560;
const RIGHT = 24;
const TOP = 56;
const ROW = 34;
const COLORS = ["#0b6e4f", "#d1495b", "#5c6b73", "#2e5eaa", "#e39f27", "#7a4fa3", "#a0522d", "#1b998b"];

/** Accuracy in percent along x. Methods keep their colour in the order of `methods`. */
export function plotTasks(tasks: readonly TaskSummary[], methods: readonly MethodSummary[]): string {
  const names = [...new Set(tasks.map(({ task }) => task))];
  const lowest = Math.min(...tasks.map(({ accuracy }) => accuracy.mean - accuracy.sd));
  const from = Math.max(0, Math.floor(lowest * 10) * 10);
  const x = (accuracy: number) => LEFT + ((100 * accuracy - from) / (100 - from)) * PLOT_WIDTH;
  const height = TOP + ROW * names.length + 40;
  const body = [
    ...legend(methods),
    ...axis(from, height),
    ...names.flatMap((task, row) => {
      const y = TOP + ROW * row + ROW / 2;
      const label = `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${task}</text>`;
      const own = tasks.filter((summary) => summary.task === task);
      return [label, ...own.map((summary) => dot(summary, { methods, x, y }))];
    }),
  ];
  const size = `width="${LEFT + PLOT_WIDTH + RIGHT}" height="${height}"`;
  const style = `font-family="sans-serif" font-size="12" fill="#222"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${body.join("\n")}\n</svg>\n`;
}

function colorOf(method: string, methods: readonly MethodSummary[]): string {
  const index = methods.findIndex((summary) => summary.method === method);
  return COLORS[index % COLORS.length] ?? "#222";
}

function dot(
  { method, accuracy }: TaskSummary,
  { methods, x, y }: { methods: readonly MethodSummary[]; x: (accuracy: number) => number; y: number },
): string {
  const index = methods.findIndex((summary) => summary.method === method);
  const at = y + (index - (methods.length - 1) / 2) * Math.min(6, 24 / methods.length);
  const color = colorOf(method, methods);
  const [low, high] = [x(accuracy.mean - accuracy.sd), x(Math.min(1, accuracy.mean + accuracy.sd))];
  return (
    `<line x1="${low.toFixed(1)}" x2="${high.toFixed(1)}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="${color}"/>` +
    `<circle cx="${x(accuracy.mean).toFixed(1)}" cy="${at.toFixed(1)}" r="4" fill="${color}"><title>${method} ${(100 * accuracy.mean).toFixed(1)} %</title></circle>`
  );
}

function legend(methods: readonly MethodSummary[]): string[] {
  return methods.map((summary, index) => {
    const [left, top] = [LEFT + (index % 3) * 190, 14 + Math.floor(index / 3) * 16];
    const text = `${summary.method} (mean ${(100 * summary.accuracy).toFixed(1)})`;
    const color = colorOf(summary.method, methods);
    return `<circle cx="${left}" cy="${top}" r="4" fill="${color}"/><text x="${left + 8}" y="${top + 4}">${text}</text>`;
  });
}

function axis(from: number, height: number): string[] {
  const ticks = Array.from({ length: (100 - from) / 10 + 1 }, (_, step) => from + 10 * step);
  return ticks.map((tick) => {
    const at = LEFT + ((tick - from) / (100 - from)) * PLOT_WIDTH;
    return (
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${height - 34}" stroke="#ddd"/>` +
      `<text x="${at}" y="${height - 16}" text-anchor="middle">${tick} %</text>`
    );
  });
}
