// GET /v1/jobs/:id: where a training stands.
import { z } from "zod";
import type { Job } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";

const jobSchema = z
  .strictObject({
    id: z.string(),
    state: z.enum(["queued", "running", "succeeded", "failed"]),
    phase: z.string().exactOptional(),
    progress: z.number().min(0).max(1),
    ...{ adapterName: z.string(), datasetId: z.string() },
    ...{ createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() },
    report: z.record(z.string(), z.unknown()).exactOptional(),
    adapter: z
      .strictObject({
        ...{ name: z.string(), version: z.int(), digest: z.string() },
        heldBack: z.string().exactOptional(),
      })
      .exactOptional(),
    error: z.strictObject({ code: z.string(), message: z.string() }).exactOptional(),
  })
  .meta({ id: "Job" });

export const getJobOperation: Operation = {
  ...{ id: "getJob", tag: "jobs", summary: "Where a training stands" },
  answers: { 200: jsonAnswer("The job.", jobSchema) },
  errors: ["job_not_found"],
};

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
