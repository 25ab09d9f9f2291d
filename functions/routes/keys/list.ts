// GET /v1/keys?limit&after: the tenant's keys, by id, without their secrets.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { keyViewSchema } from "./view.ts";

export const listKeysQuerySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z
    .string()
    .regex(/^key_[0-9a-f]{20}$/, "must be the next of a page before")
    .exactOptional(),
});

export const listKeysAnswerSchema = z.strictObject({ keys: z.array(keyViewSchema), ...pageFields });

export const listKeysOperation: Operation = {
  ...{ id: "listKeys", tag: "keys", summary: "The tenant's keys, without their secrets" },
  query: listKeysQuerySchema,
  answers: { 200: jsonAnswer("A page of keys.", listKeysAnswerSchema) },
};

export const listKeys =
  ({ registry }: Services) =>
  async (c: AppContext) => {
    const page = parseQuery(listKeysQuerySchema, c.req.query());
    return c.json(pageOf(await registry.listKeys(c.get("tenant"), page)));
  };
