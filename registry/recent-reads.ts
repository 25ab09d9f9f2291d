// A bounded cache of small records that others may change: an answer is at most ageMsMax old, counted
// from the start of its read. Readers of one key share one read. Absence and failure are not kept.
import { LRUCache } from "lru-cache";

export interface RecentReadsOptions {
  readonly ageMsMax: number;
  readonly entriesMax: number;
  readonly nowMs: () => number;
}

export class RecentReads<Value extends object> {
  readonly #options: RecentReadsOptions;
  readonly #entries: LRUCache<string, { startedAtMs: number; value: Promise<Value | undefined> }>;

  constructor(options: RecentReadsOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ max: options.entriesMax });
  }

  read(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const nowMs = this.#options.nowMs();
    const kept = this.#entries.get(key);
    if (kept && nowMs - kept.startedAtMs < this.#options.ageMsMax) return kept.value;
    const entry = { startedAtMs: nowMs, value: load() };
    this.#entries.set(key, entry);
    const drop = () => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
    };
    entry.value.then((value) => value ?? drop(), drop);
    return entry.value;
  }

  /** Call after each own write: reads that began before it are no longer given out. */
  forget(key: string): void {
    this.#entries.delete(key);
  }
}
