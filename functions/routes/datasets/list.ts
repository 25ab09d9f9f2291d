// GET /v1/datasets?limit&after: the tenant's datasets, in the order of their ids.
import { z } from "zod";
import { datasetSummarySchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z.string().min(1).max(200).exactOptional(),
});

export const listDatasetsOperation: Operation = {
  ...{ id: "listDatasets", tag: "datasets", summary: "The tenant's datasets, in the order of their ids" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of datasets. An upload by URL is among them once it is completed.",
      z.strictObject({
        datasets: z.array(datasetSummarySchema.meta({ id: "DatasetSummary" })),
        ...pageFields,
      }),
    ),
  },
  errors: ["invalid_name"],
};

export const listDatasets = (services: Services) => async (c: AppContext) => {
  const page = parseQuery(querySchema, c.req.query());
  return c.json(pageOf(await services.registry.listDatasets(c.get("tenant"), page)));
};
