// Wakes who waits for something to happen to a job: told by the database, which every process tells of its changes.
// What is missed while a connection is lost is made up for: nobody waits longer than LOOK_EVERY_MS without looking.
import type { JobDatabase } from "./database.ts";
import { channelOf } from "./schema.ts";

const LOOK_EVERY_MS = 5_000;

type Listener = (jobId: string, what: string) => void;

export class JobSignals {
  readonly #listeners = new Set<Listener>();
  #stop: (() => Promise<void>) | undefined;

  static async open(database: JobDatabase, schema: string): Promise<JobSignals> {
    const signals = new JobSignals();
    signals.#stop = await database.listen(channelOf(schema), (payload) => {
      const [jobId = "", what = ""] = payload.split(" ");
      for (const listener of signals.#listeners) listener(jobId, what);
    });
    return signals;
  }

  /** Called for every event of every job, in no particular order, perhaps twice. Answers how to end it. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * A wait for the next event that passes the filter. It is armed before it is waited for, so that nothing between
   * a look and the wait is missed.
   */
  watch(filter: (jobId: string, what: string) => boolean): Watch {
    let woken = false;
    let wake: (() => void) | undefined;
    const end = this.on((jobId, what) => {
      if (!filter(jobId, what)) return;
      woken = true;
      wake?.();
    });
    return {
      next: async ({ timeoutMs = LOOK_EVERY_MS, signal } = {}) => {
        if (!woken && !signal?.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, Math.min(timeoutMs, LOOK_EVERY_MS));
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
            signal?.addEventListener("abort", wake, { once: true });
          });
          if (wake) signal?.removeEventListener("abort", wake);
          wake = undefined;
        }
        woken = false;
      },
      end,
    };
  }

  async close(): Promise<void> {
    await this.#stop?.();
  }
}

export interface Watch {
  /** Resolves at an event since the last wait, after the given time at most, or when the signal is aborted. */
  next(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  end(): void;
}
