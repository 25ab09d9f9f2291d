// Progress of long work on standard error: one line that is written over on a terminal, elsewhere a
// line now and then.
import type { Io } from "./io.ts";

const QUIET_MS_MAX = 10_000;
const CLEAR = "\r\u001b[2K";
const BAR_WIDTH = 20;

export interface ProgressLine {
  /** Elsewhere than on a terminal a new subject is always shown, the rest every ten seconds. */
  show(subject: string, detail: string): void;
  /** Removes the line; say what came of it afterwards. */
  clear(): void;
}

export function createProgressLine(io: Io, { silent = false } = {}): ProgressLine {
  if (silent) return { show: () => undefined, clear: () => undefined };
  return io.isTerminal ? overwritten(io) : occasional(io);
}

function overwritten({ stderr }: Io): ProgressLine {
  return {
    show: (subject, detail) => stderr(`${CLEAR}${subject}  ${detail}`),
    clear: () => stderr(CLEAR),
  };
}

function occasional({ stderr, now }: Io): ProgressLine {
  let shown = { subject: "", atMs: Number.NEGATIVE_INFINITY };
  return {
    show(subject, detail) {
      if (subject === shown.subject && now() - shown.atMs < QUIET_MS_MAX) return;
      shown = { subject, atMs: now() };
      stderr(`${subject}  ${detail}\n`);
    },
    clear: () => undefined,
  };
}

/** fraction 0 … 1 → "########............  40 %" */
export function bar(fraction: number): string {
  const shown = Math.min(Math.max(fraction, 0), 1);
  const filled = Math.round(shown * BAR_WIDTH);
  const percent = String(Math.floor(shown * 100)).padStart(3);
  return `${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)} ${percent} %`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
