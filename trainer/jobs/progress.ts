// A training's progress on its way to the database: at most one write in a while, but each phase is told, and none
// goes back or past the end.
import type { ProgressData } from "./attempts.ts";

/** Progress is written at most once in this time. */
export const PROGRESS_WRITE_INTERVAL_MS = 1_000;

export interface ProgressWriter {
  readonly tell: (progress: ProgressData) => void;
  /** Resolves when what was told is written, or was refused. */
  readonly settle: () => Promise<void>;
}

export function writeProgress(options: {
  readonly write: (progress: ProgressData) => Promise<void>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): ProgressWriter {
  const { write, now, onError } = options;
  let last: ProgressData | undefined;
  let writtenPhase: string | undefined;
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  let writes: Promise<void> | undefined;
  const writeLast = () => {
    // One at a time: a slow database is not sent what is old already.
    if (!last || writes) return;
    if (last.phase === writtenPhase && now() - writtenAtMs < PROGRESS_WRITE_INTERVAL_MS) return;
    writtenAtMs = now();
    writtenPhase = last.phase;
    writes = write(last)
      .catch(onError)
      .then(() => {
        writes = undefined;
        writeLast();
      });
  };
  const tell = (told: ProgressData) => {
    const before = last?.progress ?? 0;
    const progress = Number.isFinite(told.progress) ? Math.min(Math.max(told.progress, before), 1) : before;
    last = { ...told, progress };
    writeLast();
  };
  const settle = async () => {
    while (writes) await writes;
  };
  return { tell, settle };
}
