// POST /v1/jobs/:id/retry: a job whose retries are spent is in line again, and may be begun as often as a new one.
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";
import { requireJob } from "./require-job.ts";
import { jobSchema, viewOf } from "./view.ts";

export const retryJobOperation: Operation = {
  ...{ id: "retryJob", tag: "jobs", summary: "Begin a job again whose retries are spent" },
  answers: { 200: jsonAnswer("The job, queued.", jobSchema) },
  errors: ["job_not_found", "job_not_retriable", "queue_full", "jobs_unavailable"],
};

export const retryJob = (services: Services) => async (c: AppContext<"/v1/jobs/:id/retry">) => {
  const job = await services.jobs.retry(c.get("tenant"), c.req.param("id"));
  return c.json(viewOf(requireJob(job)));
};
