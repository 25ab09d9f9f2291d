// POST /v1/keys: another key of the tenant. Its secret is in this answer and in no other.
import { z } from "zod";
import { KEY_DESCRIPTION_LENGTH_MAX, KEY_SCOPES } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { createdKeySchema } from "./view.ts";

export const createKeyRequestSchema = z.strictObject({
  description: z.string().max(KEY_DESCRIPTION_LENGTH_MAX).default(""),
  scopes: z.array(z.enum(KEY_SCOPES)).min(1).max(KEY_SCOPES.length),
  /** In the future. Without it the key does not expire. */
  expiresAt: z.iso.datetime({ offset: true }).exactOptional(),
});

export const createKeyOperation: Operation = {
  ...{ id: "createKey", tag: "keys", summary: "Make a key" },
  body: jsonBody(createKeyRequestSchema),
  answers: { 201: jsonAnswer("The key, with its secret: it is in no other answer.", createdKeySchema) },
  errors: ["invalid_expiry", "limit_exceeded"],
};

export const createKey =
  ({ registry }: Services) =>
  async (c: AppContext) => {
    const { description, scopes, expiresAt } = await readJson(c, createKeyRequestSchema);
    const { record, secret } = await registry.createKey(c.get("tenant"), description, {
      ...{ scopes, actor: actorOf(c) },
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
    });
    return c.json({ ...record, secret }, 201, { "Cache-Control": "no-store" });
  };
