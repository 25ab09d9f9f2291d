// Gives each request an id: the caller's X-Request-Id when it is a plain one, else a new one.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";

const PLAIN_ID = /^[A-Za-z0-9._=-]{1,128}$/;

export function requestId(randomId: () => string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header("x-request-id");
    const id = given !== undefined && PLAIN_ID.test(given) ? given : randomId();
    c.set("requestId", id);
    c.header("X-Request-Id", id);
    await next();
  };
}
