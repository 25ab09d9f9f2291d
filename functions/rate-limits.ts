// Requests and texts per minute of each tenant, where an operator has set limits: a token bucket each, in this
// server's memory. So with n servers a tenant may have up to n times as much. A bucket holds a minute's worth; what
// asks for more than that at once is taken when the bucket is full, and paid for afterwards.
import { LRUCache } from "lru-cache";
import { OverloadError } from "#model";
import type { Registry, TenantId } from "#registry";
import { RequestError } from "./errors.ts";
import type { QuotaState } from "./rate-limit-fields.ts";

/** Buckets kept; one that is forgotten is full again. */
const BUCKETS_MAX = 20_000;
const WINDOW_SECONDS = 60;

interface Bucket {
  level: number;
  atMs: number;
}

interface Taken {
  readonly quota: QuotaState;
  /** Until there is room for what was refused, or until the bucket is full. */
  readonly waitMs: number;
}

export class RateLimits {
  readonly #registry: Pick<Registry, "getRateLimits">;
  readonly #now: () => number;
  readonly #buckets = new LRUCache<string, Bucket>({ maxSize: BUCKETS_MAX, sizeCalculation: () => 1 });

  /** now: milliseconds. */
  constructor(registry: Pick<Registry, "getRateLimits">, now: () => number) {
    this.#registry = registry;
    this.#now = now;
  }

  /** What is left, undefined without a limit. `refused` where there was no room. */
  async takeRequest(tenant: TenantId): Promise<(Taken & { refused: boolean }) | undefined> {
    const { requestsPerMinute } = await this.#registry.getRateLimits(tenant);
    if (requestsPerMinute === undefined) return undefined;
    return this.#take(`requests ${tenant}`, { most: requestsPerMinute, wanted: 1 });
  }

  /** Throws OverloadError text_rate_exceeded. */
  async takeTexts(tenant: TenantId, count: number): Promise<void> {
    const { textsPerMinute } = await this.#registry.getRateLimits(tenant);
    if (textsPerMinute === undefined) return;
    const taken = this.#take(`texts ${tenant}`, { most: textsPerMinute, wanted: count });
    if (!taken.refused) return;
    const message = `You may classify ${textsPerMinute} texts a minute, and have. Send these again later.`;
    throw new OverloadError("text_rate_exceeded", message, {
      retryAfterMs: taken.waitMs,
      quota: taken.quota,
    });
  }

  /** Of texts that were taken and not answered. */
  giveBackTexts(tenant: TenantId, count: number): void {
    const bucket = this.#buckets.get(`texts ${tenant}`);
    if (bucket) bucket.level += count;
  }

  #take(key: string, { most, wanted }: { most: number; wanted: number }): Taken & { refused: boolean } {
    const nowMs = this.#now();
    const perMs = most / (WINDOW_SECONDS * 1_000);
    const bucket = this.#buckets.get(key) ?? { level: most, atMs: nowMs };
    bucket.level = Math.min(most, bucket.level + Math.max(0, nowMs - bucket.atMs) * perMs);
    bucket.atMs = nowMs;
    this.#buckets.set(key, bucket);
    const needed = Math.min(wanted, most);
    const refused = bucket.level < needed;
    if (!refused) bucket.level -= wanted;
    const name = key.slice(0, key.indexOf(" "));
    const left = Math.max(0, Math.floor(bucket.level));
    const quota = { name, most, left, windowSeconds: WINDOW_SECONDS };
    return { quota, refused, waitMs: ((refused ? needed : most) - bucket.level) / perMs };
  }
}

/** Thrown by the middleware, which has written the fields of the quota. */
export function requestRateExceeded({ quota, waitMs }: Taken): RequestError {
  const message = `You may send ${quota.most} requests a minute, and have. Send this one again later.`;
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1_000)));
  return new RequestError("request_rate_exceeded", message, { headers: { "Retry-After": seconds } });
}
