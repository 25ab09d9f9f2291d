// GET /v1/adapters/:name/history?alias&limit&before: an adapter's changes, newest first; or one alias's.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { pageLimitSchema, wholeNumberSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  alias: z.string().min(1).max(64).exactOptional(),
  /** The `next` of the page before. */
  before: wholeNumberSchema.pipe(z.int().min(1)).exactOptional(),
});

export const listHistory =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/history">) => {
    const page = parseQuery(querySchema, c.req.query());
    const name = parseAdapterName(c.req.param("name"));
    return c.json(await registry.listHistory(c.get("tenant"), name, page));
  };
