// GET /v1/adapters?limit&after: the tenant's adapters by name.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { pageLimitSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z.string().min(1).max(200).optional(),
});

export const listAdapters = (services: Services) => async (c: AppContext) => {
  const { limit, after } = parseQuery(querySchema, c.req.query());
  const page = await services.registry.listAdapters(c.get("tenant"), {
    limit,
    ...(after !== undefined && { after }),
  });
  return c.json(page);
};
