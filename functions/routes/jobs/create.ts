// POST /v1/adapters: the third step, train, as a job. Answers at once; GET /v1/jobs/:id follows it.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { type JobOrigin, trainOptionsSchema } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { parseInput } from "../../parse-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject({
  name: z.string(),
  datasetId: z.string().min(1).max(200),
  options: z.unknown().default({}),
});

export const createJob = (services: Services) => async (c: AppContext) => {
  const request = await readJson(c, requestSchema);
  const adapterName = parseAdapterName(request.name);
  const options = parseInput(trainOptionsSchema, request.options, {
    code: "invalid_options",
    path: ["options"],
  });
  const tenant = c.get("tenant");
  const { id: datasetId } = await services.registry.getDataset(tenant, request.datasetId);
  const job = await services.jobs.submit(tenant, { adapterName, datasetId, options, origin: originOf(c) });
  return c.json({ jobId: job.id }, 202, { Location: `/v1/jobs/${job.id}` });
};

function originOf(c: AppContext): JobOrigin {
  const { traceparent } = c.get("scope");
  return { requestId: c.get("requestId"), ...(traceparent !== undefined && { traceparent }) };
}
