// GET /v1/adapters/:name/versions?limit&after: an adapter's versions, newest first.
import { z } from "zod";
import { digestSchema, originSchema, parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { numberAfterSchema, pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: numberAfterSchema,
});

const versionSchema = z
  .strictObject({
    version: z.int(),
    digest: digestSchema,
    createdAt: z.iso.datetime(),
    aliases: z.array(z.string()),
    labels: z.array(z.string()),
    backbone: z.strictObject({ id: z.string(), digest: digestSchema }),
    dataset: z.strictObject({ id: z.string().exactOptional(), digest: digestSchema, rows: z.int() }),
    origin: originSchema.exactOptional(),
    signedBy: z.string().exactOptional(),
  })
  .meta({ id: "VersionSummary" });

export const listVersionsOperation: Operation = {
  ...{ id: "listVersions", tag: "adapters", summary: "An adapter's versions, newest first" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of versions.",
      z.strictObject({ versions: z.array(versionSchema), ...pageFields }),
    ),
  },
  errors: ["adapter_not_found"],
};

export const listVersions = (services: Services) => async (c: AppContext<"/v1/adapters/:name/versions">) => {
  const { limit, after } = parseQuery(querySchema, c.req.query());
  const name = parseAdapterName(c.req.param("name"));
  const page = await services.registry.listVersions(c.get("tenant"), name, {
    limit,
    ...(after !== undefined && { before: after }),
  });
  return c.json(pageOf(page));
};
