// GET /v1/jobs?limit&after&adapter&state: the tenant's jobs, the newest first.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { JOB_STATES } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { jobSchema, viewOf } from "./view.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before: the last job on it. */
  after: z.string().min(1).max(64).exactOptional(),
  adapter: z.string().exactOptional(),
  state: z.enum(JOB_STATES).exactOptional(),
});

export const listJobsOperation: Operation = {
  ...{ id: "listJobs", tag: "jobs", summary: "The tenant's jobs, the newest first" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of jobs, without their reports.",
      z.strictObject({ jobs: z.array(jobSchema), ...pageFields }),
    ),
  },
  errors: ["invalid_name", "jobs_unavailable"],
};

export const listJobs = (services: Services) => async (c: AppContext) => {
  const { adapter, ...page } = parseQuery(querySchema, c.req.query());
  const found = await services.jobs.list(c.get("tenant"), {
    ...page,
    ...(adapter !== undefined && { adapterName: parseAdapterName(adapter) }),
  });
  if (!found) throw new RequestError("invalid_request", "after: must be the next of a page before");
  const { jobs, hasMore } = found;
  const next = hasMore ? jobs.at(-1)?.id : undefined;
  return c.json(pageOf({ jobs: jobs.map(viewOf), ...(next !== undefined && { next }) }));
};
