// Long work in pieces, so that the event loop can answer others between them, and hear that nobody waits.
import { setImmediate } from "node:timers/promises";

/** Work that takes some milliseconds. */
const UNITS_PER_TURN = 256 * 1024;

/**
 * A function that is told how much work was done (bytes read, or as much), and lets the event loop turn each
 * time enough has come together. It rejects with the signal's reason.
 */
export function turnTaker(signal?: AbortSignal): (units: number) => Promise<void> | undefined {
  let units = 0;
  return (more) => {
    units += more;
    if (units < UNITS_PER_TURN) return undefined;
    units = 0;
    return setImmediate(undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  };
}
