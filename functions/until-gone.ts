// For answers that wait or go on: a signal that is aborted when the caller is gone or the server stops, so that neither
// a caller who left is answered for ever nor a stop waits for who stayed.

const LOOK_EVERY_MS = 250;

export interface UntilGone {
  readonly signal: AbortSignal;
  /** When the answer is whole. */
  end(): void;
}

export function untilGone({ signal }: Request, isStopping: () => boolean): UntilGone {
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (isStopping()) stop.abort();
  }, LOOK_EVERY_MS);
  return { signal: AbortSignal.any([signal, stop.signal]), end: () => clearInterval(timer) };
}
