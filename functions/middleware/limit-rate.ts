// Holds each tenant to the requests per minute that it may send. Stands behind authenticate.ts: what has no key has
// no tenant, and counts for none.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { writeRateLimit } from "../rate-limit-fields.ts";
import { type RateLimits, requestRateExceeded } from "../rate-limits.ts";

export function limitRate(rates: RateLimits): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const taken = await rates.takeRequest(c.get("tenant"));
    if (taken) {
      writeRateLimit(c, taken.quota, Math.ceil(taken.waitMs / 1_000));
      if (taken.refused) throw requestRateExceeded(taken);
    }
    await next();
  };
}
