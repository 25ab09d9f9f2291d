// Bearer key → tenant. The credential is the only source of the tenant.
import type { MiddlewareHandler } from "hono";
import type { Registry } from "#registry";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,256})$/i;

export function authenticate(registry: Pick<Registry, "authenticate">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined) throw unauthenticated("Send a key: Authorization: Bearer <key>.", "");
    const secret = BEARER.exec(header)?.[1];
    const owner = secret === undefined ? undefined : await registry.authenticate(secret);
    // One answer for malformed, unknown and revoked keys: a probe learns nothing.
    if (!owner) throw unauthenticated("This key is unknown or revoked.", ', error="invalid_token"');
    c.set("tenant", owner.tenant);
    c.set("keyId", owner.keyId);
    await next();
  };
}

function unauthenticated(message: string, parameters: string): RequestError {
  return new RequestError("unauthenticated", message, {
    headers: { "WWW-Authenticate": `Bearer realm="softgate"${parameters}` },
  });
}
