// Bearer key, or a token of the issuer that the server was given → tenant and scopes. The credential is the only
// source of either.
import type { MiddlewareHandler } from "hono";
import type { Credential } from "#registry";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import type { Services } from "../services.ts";

type Port = Pick<Services, "registry" | "keyUses" | "tokens">;

/** As long as an issuer's tokens get. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i;
/** Three parts with dots between them, which no key has. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function authenticate(port: Port): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined) throw unauthenticated("Send a key: Authorization: Bearer <key>.", "");
    const secret = BEARER.exec(header)?.[1];
    const owner = secret === undefined ? undefined : await findOwner(port, secret);
    // One answer for malformed, unknown, revoked and expired keys: a probe learns nothing.
    if (!owner) throw unauthenticated("This key is unknown, revoked or expired.", ', error="invalid_token"');
    c.set("tenant", owner.tenant);
    c.set("keyId", owner.keyId);
    c.set("scopes", owner.scopes);
    await next();
  };
}

async function findOwner(
  { registry, keyUses, tokens }: Port,
  secret: string,
): Promise<Credential | undefined> {
  if (TOKEN.test(secret)) return tokens?.verify(secret);
  const owner = await registry.authenticate(secret);
  if (owner) keyUses?.note(owner.keyId);
  return owner;
}

function unauthenticated(message: string, parameters: string): RequestError {
  return new RequestError("unauthenticated", message, {
    headers: { "WWW-Authenticate": `Bearer realm="softgate"${parameters}` },
  });
}
