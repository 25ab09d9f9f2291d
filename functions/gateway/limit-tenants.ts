// So many requests of a tenant as Cloudflare's rate limit allows; it counts in each of its data centres apart.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import type { RateLimiter } from "./settings.ts";

/** The period of infra/wrangler.jsonc: the limit itself tells none. */
const PERIOD_SECONDS = 10;

export function limitTenants(limiter: RateLimiter | undefined): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const outcome = await limiter?.limit({ key: c.get("tenant") });
    if (outcome && !outcome.success) {
      throw new RequestError(
        "request_rate_exceeded",
        "Your tenant sends too many requests: send fewer a second.",
        {
          headers: { "Retry-After": String(PERIOD_SECONDS) },
        },
      );
    }
    await next();
  };
}
