// GET /v1/jobs/:id?wait: where a training stands; with wait, not before it is finished or so many seconds are over.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { wholeNumberSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { untilGone } from "../../until-gone.ts";
import { requireJob } from "./require-job.ts";
import { jobSchema, viewOf } from "./view.ts";

/** Seconds; proxies cut off what takes longer. */
export const JOB_WAIT_SECONDS_MAX = 60;

const querySchema = z.object({
  wait: wholeNumberSchema
    .pipe(z.int().max(JOB_WAIT_SECONDS_MAX))
    .default(0)
    .meta({
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: "integer", minimum: 0, maximum: JOB_WAIT_SECONDS_MAX });
      },
    }),
});

export const getJobOperation: Operation = {
  ...{ id: "getJob", tag: "jobs", summary: "Where a training stands; with wait, once it is finished" },
  query: querySchema,
  answers: { 200: jsonAnswer("The job.", jobSchema) },
  errors: ["job_not_found", "jobs_unavailable"],
};

export const getJob =
  (services: Services, { isStopping }: { isStopping: () => boolean }) =>
  async (c: AppContext<"/v1/jobs/:id">) => {
    const { wait } = parseQuery(querySchema, c.req.query());
    const [tenant, id] = [c.get("tenant"), c.req.param("id")];
    if (wait === 0) return c.json(viewOf(requireJob(await services.jobs.get(tenant, id))));
    const gone = untilGone(c.req.raw, isStopping);
    try {
      const options = { timeoutMs: wait * 1_000, signal: gone.signal };
      return c.json(viewOf(requireJob(await services.jobs.wait(tenant, id, options))));
    } finally {
      gone.end();
    }
  };
