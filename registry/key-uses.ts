// When each key was last used: written beside the requests, never before their answers, and by one process at most
// once in KEY_USE_INTERVAL_MS for a key. So the time that is told may be as much too early, never too late.
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { keyUseKey } from "./layout.ts";
import { KEY_USE_INTERVAL_MS, KEY_USES_IN_FLIGHT_MAX, KEYS_CACHED_MAX } from "./limits.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { encodeRecord, readRecord } from "./records.ts";

export const keyUseSchema = z.strictObject({ lastUsedAt: z.iso.datetime() });

export interface KeyUsesOptions {
  readonly store: ObjectStore;
  readonly now?: () => Date;
  /** Told of a use that could not be written; it is written with a later one. */
  readonly onFailure?: (error: unknown) => void;
}

export class KeyUses {
  readonly #options: Required<KeyUsesOptions>;
  /** By key id: when this process last looked after it, in milliseconds. */
  readonly #notedMs = new LRUCache<string, number>({ maxSize: KEYS_CACHED_MAX, sizeCalculation: () => 1 });
  readonly #writes = new Set<Promise<void>>();

  constructor({ store, now = () => new Date(), onFailure = () => undefined }: KeyUsesOptions) {
    this.#options = { store, now, onFailure };
  }

  /** Returns at once. */
  note(keyId: string): void {
    const now = this.#options.now();
    const notedMs = this.#notedMs.get(keyId);
    if (notedMs !== undefined && now.getTime() - notedMs < KEY_USE_INTERVAL_MS) return;
    if (this.#writes.size >= KEY_USES_IN_FLIGHT_MAX) return;
    this.#notedMs.set(keyId, now.getTime());
    const write = this.#write(keyId, now)
      .catch((error) => {
        this.#notedMs.delete(keyId);
        this.#options.onFailure(error);
      })
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  /** Resolves when what was noted is written, or failed. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
  }

  async #write(keyId: string, now: Date): Promise<void> {
    const { store } = this.#options;
    const lastUsedAt = await readKeyUse(store, keyId);
    // Another server has just written it.
    if (lastUsedAt !== undefined && now.getTime() - Date.parse(lastUsedAt) < KEY_USE_INTERVAL_MS) return;
    await store.put(keyUseKey(keyId), encodeRecord({ lastUsedAt: now.toISOString() }));
  }
}

/** Undefined for a key that was not used. */
export async function readKeyUse(store: ObjectStore, keyId: string): Promise<string | undefined> {
  return (await readRecord(store, keyUseKey(keyId), keyUseSchema))?.value.lastUsedAt;
}
