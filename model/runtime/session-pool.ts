// Sessions over one graph, side by side: each computes one pass at a time. Knows no runtime: how a session is opened is
// passed in.
import type { Feed } from "./session.ts";

/** What computes passes: thread-session.ts in a thread of its own, edge-session.ts where there are no threads. */
export interface PassSession {
  /** Feeds must name every input of the graph. Runs go one after the other. */
  run<Output extends string>(
    feeds: Readonly<Record<string, Feed>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Float32Array>>;
  /** Waits for what runs. */
  close(): Promise<void>;
}

/** One runs, the next is packed and waits at the session. */
const PASSES_OF_A_SESSION_MAX = 2;
/**
 * The next pass is handed over so long before the one that runs is expected to end: time to pack it, so that the
 * session need not wait, and no more, as whoever comes later is not in it.
 */
const AHEAD_MS = 6;

export interface Lane {
  readonly session: PassSession;
  passes: number;
  /** When what it was given is expected to be done, on the clock of performance.now(). */
  freeMs: number;
  /** Of the pass before, on the same clock. */
  lastEndedMs: number;
}

export interface PassResult {
  readonly features: Float32Array;
  /** When its turn came, and when it was done. */
  readonly ranMs: number;
  readonly endedMs: number;
}

export class SessionPool {
  readonly #lanes: Lane[] = [];
  #growing: Promise<void> = Promise.resolve();
  #isClosing = false;

  /** Resolves with the first session: the others join when they are loaded. */
  static async open(openSession: () => Promise<PassSession>, sessions: number): Promise<SessionPool> {
    const pool = new SessionPool();
    const add = async () => {
      pool.#lanes.push({ session: await openSession(), passes: 0, freeMs: 0, lastEndedMs: 0 });
    };
    await add();
    pool.#growing = pool.#grow(sessions - 1, add);
    return pool;
  }

  /** Those that are loaded. */
  get size(): number {
    return this.#lanes.length;
  }

  /** Sessions with nothing to compute. */
  get idle(): number {
    return this.#lanes.filter(({ passes }) => passes === 0).length;
  }

  /** One that takes a pass now: an idle one, or for a full pass, which gains nothing by waiting, one soon free. */
  take({ isFull }: { isFull: boolean }): Lane | undefined {
    const idle = this.#lanes.find(({ passes }) => passes === 0);
    const lane = idle ?? (isFull && this.nextTakeMs === 0 ? this.#nextFree() : undefined);
    if (lane) lane.passes += 1;
    return lane;
  }

  /** Milliseconds until a full pass may be taken, by what is expected; undefined where only the end of a pass tells. */
  get nextTakeMs(): number | undefined {
    const lane = this.#nextFree();
    return lane && Math.max(0, lane.freeMs - AHEAD_MS - performance.now());
  }

  #nextFree(): Lane | undefined {
    const [lane] = this.#lanes
      .filter(({ passes }) => passes < PASSES_OF_A_SESSION_MAX)
      .toSorted((one, other) => one.freeMs - other.freeMs);
    return lane;
  }

  /** Of a lane that was taken; it is given back by `release`. `expectedMs`: what the pass should take. */
  async run(
    lane: Lane,
    feeds: Readonly<Record<string, Feed>>,
    { expectedMs }: { expectedMs: number },
  ): Promise<PassResult> {
    const askedMs = performance.now();
    lane.freeMs = Math.max(askedMs, lane.freeMs) + expectedMs;
    const { features } = await lane.session.run(feeds, ["features"]);
    const endedMs = performance.now();
    // A session runs one after the other: this one's turn came when the one before it had ended.
    const ranMs = Math.max(askedMs, lane.lastEndedMs);
    lane.lastEndedMs = endedMs;
    lane.freeMs += endedMs - (ranMs + expectedMs);
    return { features, ranMs, endedMs };
  }

  release(lane: Lane): void {
    lane.passes -= 1;
  }

  /** Waits for what runs. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#growing;
    await Promise.all(this.#lanes.map(({ session }) => session.close()));
  }

  async #grow(count: number, add: () => Promise<void>): Promise<void> {
    try {
      for (let added = 0; added < count && !this.#isClosing; added++) await add();
    } catch {
      // The first session loaded from the same bytes: what is short is memory, and those that are there serve on.
    }
  }
}
