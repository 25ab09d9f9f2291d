// GET /v1/adapters?limit&after&prefix&label&backbone: the tenant's adapters by name, or those that fit.
import { z } from "zod";
import { latestVersionSchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
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

export const adapterSchema = latestVersionSchema
  .omit({ version: true })
  .extend({ name: z.string(), latestVersion: z.int(), aliases: z.record(z.string(), z.int()) })
  .meta({ id: "AdapterSummary" });

export const listAdaptersOperation: Operation = {
  ...{ id: "listAdapters", tag: "adapters", summary: "The tenant's adapters by name, or those that fit" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of adapters. A search looks at a bounded number of them: a page may be empty and have more.",
      z.strictObject({ adapters: z.array(adapterSchema), ...pageFields }),
    ),
  },
  errors: ["invalid_name"],
};

export const listAdapters = (services: Services) => async (c: AppContext) => {
  const page = parseQuery(querySchema, c.req.query());
  return c.json(pageOf(await services.registry.listAdapters(c.get("tenant"), page)));
};
