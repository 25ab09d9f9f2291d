// A bounded cache of small records that others may change: an answer is at most ageMsMax old, counted
// from the start of its read. Readers of one key share one read. Absence and failure are not kept.
// What is read often is read again before it is too old, beside its readers: none of them waits for it.
import { LRUCache } from "lru-cache";

export interface RecentReadsOptions {
  readonly ageMsMax: number;
  /** From this age on an answer is still given out, and read again meanwhile. Default ageMsMax: never. */
  readonly refreshMs?: number;
  readonly entriesMax: number;
  readonly nowMs: () => number;
}

type Load<Value> = (previous?: Promise<Value | undefined>) => Promise<Value | undefined>;

interface Entry<Value> {
  readonly startedAtMs: number;
  readonly value: Promise<Value | undefined>;
  isRefreshing: boolean;
}

export class RecentReads<Value extends object> {
  readonly #options: RecentReadsOptions;
  readonly #entries: LRUCache<string, Entry<Value>>;

  constructor(options: RecentReadsOptions) {
    this.#options = options;
    // As a size: `max` would take the room of them all at once, for each registry that is made.
    this.#entries = new LRUCache({ maxSize: options.entriesMax, sizeCalculation: () => 1 });
  }

  /**
   * `load` is given what was read before, if anything was: where that is still what stands, it may return it.
   * `beforeChange` is called with what was read again beside readers, before any of them gets it; until it
   * settles they get the answer before it, for as long as that is not too old.
   */
  read(
    key: string,
    load: Load<Value>,
    beforeChange: (next: Value, previous: Value) => Promise<void> = async () => undefined,
  ): Promise<Value | undefined> {
    const nowMs = this.#options.nowMs();
    const { ageMsMax, refreshMs = ageMsMax } = this.#options;
    const kept = this.#entries.get(key);
    if (!kept || nowMs - kept.startedAtMs >= ageMsMax) return this.#start(key, load(kept?.value));
    if (nowMs - kept.startedAtMs >= refreshMs && !kept.isRefreshing) {
      kept.isRefreshing = true;
      // Not tried twice: a reader that comes when it is too old learns of the failure.
      this.#refresh({ key, kept, load, beforeChange }).catch(() => undefined);
    }
    return kept.value;
  }

  /** Call after each own write: reads that began before it are no longer given out. */
  forget(key: string): void {
    this.#entries.delete(key);
  }

  #start(key: string, value: Promise<Value | undefined>): Promise<Value | undefined> {
    const entry = { startedAtMs: this.#options.nowMs(), value, isRefreshing: false };
    this.#entries.set(key, entry);
    const drop = () => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
    };
    value.then((found) => found ?? drop(), drop);
    return value;
  }

  async #refresh(task: {
    key: string;
    kept: Entry<Value>;
    load: Load<Value>;
    beforeChange: (next: Value, previous: Value) => Promise<void>;
  }): Promise<void> {
    const { key, kept, load, beforeChange } = task;
    const startedAtMs = this.#options.nowMs();
    const next = await load(kept.value);
    const previous = await kept.value;
    if (next && previous && next !== previous) await beforeChange(next, previous);
    // Forgotten, or read by someone for whom it was too old, meanwhile: theirs is the newer.
    if (this.#entries.peek(key) !== kept) return;
    if (!next) this.#entries.delete(key);
    else this.#entries.set(key, { startedAtMs, value: Promise.resolve(next), isRefreshing: false });
  }
}
