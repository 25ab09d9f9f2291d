// The server's memory over a soak: its growth, and its plot.
export interface MemorySample {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Megabytes a minute of the least-squares line through the second half of the samples; 0 for fewer than two. */
export function growthPerMinute(samples: readonly MemorySample[]): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  const middle = (of: (sample: MemorySample) => number) =>
    half.reduce((sum, sample) => sum + of(sample), 0) / half.length;
  const [x, y] = [middle(({ seconds }) => seconds), middle(({ megabytes }) => megabytes)];
  const squares = half.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
  if (squares === 0) return 0;
  const products = half.reduce((sum, { seconds, megabytes }) => sum + (seconds - x) * (megabytes - y), 0);
  return (60 * products) / squares;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [694, 300, 64, 24, 36, 44];
const TICKS = 5;

/** Memory over time as an SVG, from 0 megabytes up. */
export function plotMemory(samples: readonly MemorySample[]): string {
  const seconds = Math.max(1, ...samples.map((sample) => sample.seconds));
  const most = 100 * Math.ceil((1.1 * Math.max(1, ...samples.map(({ megabytes }) => megabytes))) / 100);
  const x = (at: number) => (LEFT + (at / seconds) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (at: number) => (HEIGHT - BOTTOM - (at / most) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => tick / TICKS);
  const body = [
    `<text x="${LEFT}" y="18">Resident memory of the server, MB, over minutes</text>`,
    ...ticks.map((share) => {
      const at = y(share * most);
      return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/><text x="${LEFT - 8}" y="${at}" dy="0.32em" text-anchor="end">${Math.round(share * most)}</text>`;
    }),
    ...ticks.map(
      (share) =>
        `<text x="${x(share * seconds)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${((share * seconds) / 60).toFixed(1)}</text>`,
    ),
    `<path fill="none" stroke="#0b6e4f" stroke-width="1.5" d="M${samples.map((sample) => `${x(sample.seconds)} ${y(sample.megabytes)}`).join(" L")}"/>`,
  ];
  const style = `font-family="sans-serif" font-size="12" fill="#222"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${body.join("\n")}\n</svg>\n`;
}
