// Lists answered again from Cloudflare's cache for a few seconds, each to the key it was made for and no other. A key was
// looked at before: one that is revoked gets nothing from here.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";

/** Of Cloudflare's cache, and of the platform's: as much as is used here. */
export interface ListCache {
  match(request: Request): Promise<Response | undefined>;
  put(request: Request, response: Response): Promise<void>;
}

export const CACHE_HEADER = "Softgate-Cache";

/** As cache-control.ts has it: what is kept here no one else is to keep. */
const AS_ANSWERED = "private, no-cache";
/** No host of this name is ever asked: it is but a name for what is kept. */
const CACHE_ORIGIN = "https://cache.softgate.invalid";

export function cacheLists(cache: ListCache, seconds: number): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // Who has a list asks whether it changed: the registry knows.
    if (seconds === 0 || c.req.header("if-none-match") !== undefined) return next();
    const { pathname, search } = new URL(c.req.url);
    const place = `/${c.get("tenant")}/${c.get("keyId")}${pathname}${search}`;
    const key = new Request(new URL(place, CACHE_ORIGIN));
    const kept = await cache.match(key);
    if (kept) {
      const response = new Response(kept.body, kept);
      response.headers.set("Cache-Control", AS_ANSWERED);
      response.headers.set("X-Request-Id", c.get("requestId"));
      response.headers.set(CACHE_HEADER, "hit");
      return response;
    }
    await next();
    if (c.res.status === 200) {
      const copy = new Response(c.res.clone().body, c.res);
      copy.headers.set("Cache-Control", `max-age=${seconds}`);
      c.executionCtx.waitUntil(cache.put(key, copy));
    }
    c.header(CACHE_HEADER, "miss");
  };
}
