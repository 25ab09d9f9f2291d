// What a key must be allowed for a route to be answered. Stands in app.ts before each route below /v1.
import type { MiddlewareHandler } from "hono";
import { allows, type KeyScope } from "#registry";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";

/** One of the scopes is enough; admin always is. The first is the one that is named to who has none. */
export function requireScope(...scopes: readonly [KeyScope, ...KeyScope[]]): MiddlewareHandler<AppEnv> {
  const [named] = scopes;
  return async (c, next) => {
    if (!allows(c.get("scopes"), scopes)) throw scopeMissing(named);
    await next();
  };
}

/** RFC 6750, 3.1. */
function scopeMissing(scope: KeyScope): RequestError {
  const message = `This key may not do that: it needs the scope ${scope}. Use another key, or have one made with it.`;
  const challenge = `Bearer realm="softgate", error="insufficient_scope", scope="${scope}"`;
  return new RequestError(`scope_${scope}_missing`, message, { headers: { "WWW-Authenticate": challenge } });
}
