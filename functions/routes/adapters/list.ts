// GET /v1/adapters?limit&after&prefix&label&backbone: the tenant's adapters by name, or those that fit.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { pageLimitSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z.string().min(1).max(200).exactOptional(),
  prefix: z.string().min(1).max(64).exactOptional(),
  /** Of the latest version, each as it is written in full. */
  label: z.string().min(1).max(100).exactOptional(),
  backbone: z.string().min(1).max(200).exactOptional(),
});

export const listAdapters = (services: Services) => async (c: AppContext) => {
  const page = parseQuery(querySchema, c.req.query());
  return c.json(await services.registry.listAdapters(c.get("tenant"), page));
};
