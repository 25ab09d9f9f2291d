// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again with the same key, after an
// answer that was lost, is not done again, and gets the answer of the first. What was refused changed nothing, so it
// is not kept: its key is free. Stands behind what bounds uploads at once, since it reads the body.
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import { ONCE_UNRENEWED_MS_MAX, type OnceBegun } from "#registry";
import type { AppContext, AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { readBytes } from "../read-body.ts";
import { seal, unseal } from "../seal.ts";
import type { Services } from "../services.ts";

/** As the draft writes it, a string in quotes, or without them as most clients do. */
const KEY = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,200})"|([\x21\x23-\x7e]{1,200}))$/;
const KEPT_HEADERS = ["Content-Type", "Location", "Cache-Control"];

const keptSchema = z.object({
  status: z.union([z.literal(200), z.literal(201), z.literal(202)]),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});

/** isSecret: the answer holds a secret, and is kept so that only the same API key can read it. */
export function answerOnce(
  services: Pick<Services, "registry" | "log">,
  { isSecret = false } = {},
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const header = c.req.header("idempotency-key");
    if (header === undefined) return next();
    const key = parseKey(header);
    const requestDigest = digestOf(c, await readBytes(c));
    const once = await services.registry.beginOnce(c.get("tenant"), { key, requestDigest });
    switch (once.state) {
      case "other":
        throw new RequestError(
          "idempotency_key_reused",
          "This Idempotency-Key was sent with another request.",
        );
      case "doing":
        throw new RequestError(
          "idempotency_key_in_use",
          "The first request with this key is still being done.",
        );
      case "done":
        return replay(c, once.answer, isSecret);
      case "begun":
        c.set("onceId", once.id);
        await keepAlive(once, next);
        await end(services, c, { once, isSecret });
    }
  };
}

/** Throws RequestError invalid_request. */
function parseKey(header: string): string {
  const [, quoted, plain] = KEY.exec(header) ?? [];
  const key = quoted ?? plain;
  if (key !== undefined) return key;
  throw new RequestError("invalid_request", "Idempotency-Key: must be 1 to 200 printable ASCII characters.");
}

function digestOf(c: AppContext, body: Uint8Array): string {
  const { pathname, search } = new URL(c.req.url);
  const head = JSON.stringify([c.req.method, pathname, search, c.req.header("content-type") ?? ""]);
  return createHash("sha256").update(head).update("\n").update(body).digest("hex");
}

/** While the request is done, other processes must not take it for one that died. */
async function keepAlive(once: OnceBegun, next: () => Promise<void>): Promise<void> {
  const renewing = setInterval(() => void once.renew().catch(() => undefined), ONCE_UNRENEWED_MS_MAX / 3);
  try {
    await next();
  } finally {
    clearInterval(renewing);
  }
}

/** The change is made: where its answer cannot be kept, it is answered all the same. */
async function end(
  { log }: Pick<Services, "log">,
  c: AppContext,
  { once, isSecret }: { once: OnceBegun; isSecret: boolean },
): Promise<void> {
  try {
    const { res } = c;
    const isKept = keptSchema.shape.status.safeParse(res.status).success;
    if (!isKept) return await once.leave();
    const body = await res.clone().text();
    const headers = KEPT_HEADERS.flatMap((name) => {
      const value = res.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    const kept = isSecret ? seal(body, credentialOf(c)) : body;
    await once.finish({ status: res.status, headers: Object.fromEntries(headers), body: kept });
  } catch (error) {
    log({ event: "answer_not_kept", requestId: c.get("requestId"), error: String(error) });
  }
}

function replay(c: AppContext, answer: unknown, isSecret: boolean): Response {
  const { status, headers, body: kept } = keptSchema.parse(answer);
  const body = isSecret ? unseal(kept, credentialOf(c)) : kept;
  if (body === undefined) {
    throw new RequestError("idempotency_key_reused", "This Idempotency-Key was sent with another API key.");
  }
  return c.body(body, status, { ...headers, "Idempotent-Replayed": "true" });
}

function credentialOf(c: AppContext): string {
  return c.req.header("authorization")?.split(" ").at(-1) ?? "";
}
