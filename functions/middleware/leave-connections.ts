// While a server stops, each answer is the last of its connection, so that clients and load balancers open
// their next one elsewhere.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";

export function leaveConnections(isStopping: () => boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    if (isStopping()) c.header("Connection", "close");
  };
}
