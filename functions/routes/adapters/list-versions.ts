// GET /v1/adapters/:name/versions?limit&before: an adapter's versions, newest first.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { pageLimitSchema, wholeNumberSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  before: wholeNumberSchema.pipe(z.int().min(1)).optional(),
});

export const listVersions = (services: Services) => async (c: AppContext<"/v1/adapters/:name/versions">) => {
  const { limit, before } = parseQuery(querySchema, c.req.query());
  const name = parseAdapterName(c.req.param("name"));
  const page = await services.registry.listVersions(c.get("tenant"), name, {
    limit,
    ...(before !== undefined && { before }),
  });
  return c.json(page);
};
