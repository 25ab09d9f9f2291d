// One structured line per request. The route's pattern stands for the path, so that nothing a caller
// wrote is logged: no texts, no names, no secrets.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "../app-env.ts";
import type { Services } from "../services.ts";

export function logRequest(log: Services["log"], now: () => number): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAtMs = now();
    await next();
    log({
      event: "request",
      requestId: c.get("requestId"),
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      durationMs: now() - startedAtMs,
      tenant: c.get("tenant"),
      keyId: c.get("keyId"),
      adapterDigest: c.get("adapterDigest"),
      traceId: c.get("scope")?.traceId,
      code: c.get("errorCode"),
    });
  };
}
