// POST /v1/jobs/:id/cancel: a job that waits is not begun, one that runs is ended; sent twice, it is once.
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";
import { requireJob } from "./require-job.ts";
import { jobSchema, viewOf } from "./view.ts";

export const cancelJobOperation: Operation = {
  ...{ id: "cancelJob", tag: "jobs", summary: "End a job that waits or runs" },
  answers: { 200: jsonAnswer("The job, cancelled.", jobSchema) },
  errors: ["job_not_found", "job_not_cancellable", "jobs_unavailable"],
};

export const cancelJob = (services: Services) => async (c: AppContext<"/v1/jobs/:id/cancel">) => {
  const job = await services.jobs.cancel(c.get("tenant"), c.req.param("id"));
  return c.json(viewOf(requireJob(job)));
};
