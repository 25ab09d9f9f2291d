// Which adapters this server answered with lately, kept over a restart: the next server on the same store loads
// them beside its first requests, so that those find warm what was warm.
import { setImmediate, setTimeout } from "node:timers/promises";
import {
  type Registry,
  readWarmRecord,
  WARM_ADAPTERS_MAX,
  type WarmAdapter,
  writeWarmRecord,
} from "#registry";
import { type AdapterOfTenant, adapterOf } from "./load-adapter.ts";
import type { ResolvedAdapter, TenantId } from "./services.ts";

export interface WarmSetOptions {
  readonly place: Parameters<typeof readWarmRecord>[0];
  readonly registry: Pick<Registry, "resolve" | "readFiles">;
  readonly classifier: {
    readonly waitingTexts: number;
    warm(adapter: AdapterOfTenant): Promise<void>;
  };
  readonly log: (event: Record<string, unknown>) => void;
}

/** A start is for its first requests; what is warmed beside them comes after. */
const RESTORE_AFTER_MS = 1_000;
/** A server that is killed forgets what was asked for the first time since. */
const WRITE_EVERY_MS = 60_000;
/** While texts wait, nothing is warmed. */
const POLL_MS = 10;

export class WarmSet {
  readonly #options: WarmSetOptions;
  /** By tenant and digest; the most recently used last. */
  readonly #recent = new Map<string, WarmAdapter>();
  readonly #ended = new AbortController();
  #background: Promise<unknown> = Promise.resolve();

  constructor(options: WarmSetOptions) {
    this.#options = options;
  }

  note(tenant: TenantId, { name, version, digest }: ResolvedAdapter): void {
    const key = `${tenant}/${digest}`;
    this.#recent.delete(key);
    this.#recent.set(key, { tenant, name, version, digest });
    if (this.#recent.size <= WARM_ADAPTERS_MAX) return;
    const [oldest = key] = this.#recent.keys();
    this.#recent.delete(oldest);
  }

  /** Restores and records in the background until it is closed. */
  start(): void {
    this.#background = Promise.allSettled([this.#restoreLater(), this.#recordAgainAndAgain()]);
  }

  /** How many of the record's adapters are in memory now; those that are gone or broken are passed over. */
  async restore(): Promise<number> {
    const { place, registry, classifier } = this.#options;
    let warmed = 0;
    for (const { tenant, name, version, digest } of await readWarmRecord(place)) {
      if (this.#ended.signal.aborted) break;
      while (classifier.waitingTexts > 0 && !this.#ended.signal.aborted) await setTimeout(POLL_MS);
      try {
        const resolved = await registry.resolve(tenant, { name, version });
        if (resolved.digest !== digest) continue;
        await classifier.warm(adapterOf(registry, tenant, resolved));
        warmed += 1;
      } catch {
        // Deleted since, or broken: a request that names it is told so.
      }
      // Loading takes the event loop for a millisecond or two: requests come between.
      await setImmediate();
    }
    return warmed;
  }

  async record(): Promise<void> {
    if (this.#recent.size === 0) return;
    await writeWarmRecord(this.#options.place, [...this.#recent.values()].reverse());
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#background;
    await this.record().catch((error) => this.#tell(error));
  }

  async #restoreLater(): Promise<void> {
    await this.#pause(RESTORE_AFTER_MS);
    if (this.#ended.signal.aborted) return;
    const startedMs = performance.now();
    const adapters = await this.restore();
    if (adapters > 0) {
      this.#options.log({ event: "warmed", adapters, durationMs: Math.round(performance.now() - startedMs) });
    }
  }

  async #recordAgainAndAgain(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#pause(WRITE_EVERY_MS);
      if (!this.#ended.signal.aborted) await this.record().catch((error) => this.#tell(error));
    }
  }

  async #pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
  }

  #tell(error: unknown): void {
    this.#options.log({ event: "warm_record_unwritten", error: String(error) });
  }
}
