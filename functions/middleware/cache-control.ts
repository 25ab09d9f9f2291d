// What may be kept of an answer, where its route says nothing: what a GET reads of a tenant's by that tenant, if it
// asks again each time whether it has changed; anything else by nobody.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";

export function cacheControl(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const { headers, ok, status } = c.res;
    if (headers.has("Cache-Control")) return;
    const mayBeKept = ["GET", "HEAD"].includes(c.req.method) && (ok || status === 304);
    headers.set("Cache-Control", mayBeKept ? "private, no-cache" : "no-store");
  };
}
