// GET /v1/adapters/:name/aliases?limit&after: where an adapter's aliases point, what protects them, where they were.
import { z } from "zod";
import { parseAdapterName, promotionRuleSchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z.string().min(1).max(64).exactOptional(),
});

export const aliasSchema = z
  .strictObject({
    alias: z.string(),
    version: z.int(),
    protected: z.boolean(),
    rule: promotionRuleSchema.exactOptional(),
    earlier: z.array(z.int()).meta({ description: "Where rollbacks lead, the next one first." }),
  })
  .meta({ id: "Alias" });

export const listAliasesOperation: Operation = {
  ...{
    id: "listAliases",
    tag: "aliases",
    summary: "Where an adapter's aliases point, and what protects them",
  },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of aliases, by name.",
      z.strictObject({ aliases: z.array(aliasSchema), ...pageFields }),
    ),
  },
  errors: ["adapter_not_found"],
};

export const listAliases =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { limit, after = "" } = parseQuery(querySchema, c.req.query());
    const all = await registry.listAliases(c.get("tenant"), name);
    const rest = all.filter(({ alias }) => alias > after);
    const aliases = rest.slice(0, limit);
    const next = rest.length > limit ? aliases.at(-1)?.alias : undefined;
    return c.json(pageOf({ aliases, ...(next !== undefined && { next }) }));
  };
