// How many sessions, of how many threads each, a machine's cores are given to.
import { availableParallelism } from "node:os";

/** More sessions than this only by name: each holds its weights as its kernels want them, and buffers. */
export const SESSIONS_DEFAULT_MAX = 8;

export interface SessionCounts {
  /** Threads of one forward pass; 0: as many as make use of the cores. */
  readonly threads?: number;
  /** Forward passes at once; 0: as many as make use of the cores. */
  readonly sessions?: number;
}

/**
 * By default a session of one thread for each core: passes at once need no agreement on each product, as threads of
 * one pass do (`npm run bench -- sessions`).
 */
export function planSessions(
  { threads = 0, sessions = 0 }: SessionCounts,
  cores = availableParallelism(),
): Required<SessionCounts> {
  const count = sessions || Math.max(1, Math.min(SESSIONS_DEFAULT_MAX, Math.floor(cores / (threads || 1))));
  return { sessions: count, threads: threads || Math.max(1, Math.floor(cores / count)) };
}
