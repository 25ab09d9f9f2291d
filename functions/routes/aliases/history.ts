// GET /v1/adapters/:name/history?alias&limit&after: an adapter's changes, newest first; or one alias's.
import { z } from "zod";
import { adapterChangeSchema, parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { numberAfterSchema, pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  alias: z.string().min(1).max(64).exactOptional(),
  /** The `next` of the page before. */
  after: numberAfterSchema,
});

export const listHistoryOperation: Operation = {
  ...{ id: "listHistory", tag: "aliases", summary: "An adapter's changes, newest first; or one alias's" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of changes.",
      z.strictObject({
        changes: z.array(adapterChangeSchema.meta({ id: "AdapterChange" })),
        ...pageFields,
      }),
    ),
  },
  errors: ["adapter_not_found"],
};

export const listHistory =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/history">) => {
    const { after, ...page } = parseQuery(querySchema, c.req.query());
    const name = parseAdapterName(c.req.param("name"));
    const place = after === undefined ? page : { ...page, before: after };
    return c.json(pageOf(await registry.listHistory(c.get("tenant"), name, place)));
  };
