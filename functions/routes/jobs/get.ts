// GET /v1/jobs/:id: where a training stands.
import type { Job } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import type { Services } from "../../services.ts";

export const getJob = (services: Services) => async (c: AppContext<"/v1/jobs/:id">) => {
  const job = await services.jobs.get(c.get("tenant"), c.req.param("id"));
  if (!job) throw new RequestError("job_not_found", "There is no job of this id.");
  return c.json(viewOf(job));
};

/** What of a job a caller sees; absent fields are left out. */
function viewOf(job: Job) {
  const { id, state, phase, progress, adapterName, datasetId, createdAt, updatedAt } = job;
  const { report, adapter, error } = job;
  return { id, state, phase, progress, adapterName, datasetId, createdAt, updatedAt, report, adapter, error };
}
