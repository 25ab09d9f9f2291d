// Bearer key → tenant and scopes. The credential is the only source of either.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import type { Services } from "../services.ts";

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,256})$/i;

export function authenticate({
  registry,
  keyUses,
}: Pick<Services, "registry" | "keyUses">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined) throw unauthenticated("Send a key: Authorization: Bearer <key>.", "");
    const secret = BEARER.exec(header)?.[1];
    const owner = secret === undefined ? undefined : await registry.authenticate(secret);
    // One answer for malformed, unknown, revoked and expired keys: a probe learns nothing.
    if (!owner) throw unauthenticated("This key is unknown, revoked or expired.", ', error="invalid_token"');
    c.set("tenant", owner.tenant);
    c.set("keyId", owner.keyId);
    c.set("scopes", owner.scopes);
    keyUses?.note(owner.keyId);
    await next();
  };
}

function unauthenticated(message: string, parameters: string): RequestError {
  return new RequestError("unauthenticated", message, {
    headers: { "WWW-Authenticate": `Bearer realm="softgate"${parameters}` },
  });
}
