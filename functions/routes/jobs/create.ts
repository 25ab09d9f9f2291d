// POST /v1/adapters: the third step, train, as a job. Answers at once; GET /v1/jobs/:id follows it.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { type JobOrigin, PRIORITY_MAX, PRIORITY_MIN, trainOptionsSchema } from "#trainer/job";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseInput } from "../../parse-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

export const trainRequestSchema = z.strictObject({
  name: z.string(),
  datasetId: z.string().min(1).max(200),
  options: z.unknown().default({}),
  priority: z.int().min(PRIORITY_MIN).max(PRIORITY_MAX).default(0),
});

export const createJobOperation: Operation = {
  ...{ id: "trainAdapter", tag: "jobs", summary: "Trains the next version of an adapter on a dataset" },
  body: jsonBody(trainRequestSchema.extend({ options: trainOptionsSchema.exactOptional() })),
  answers: {
    202: jsonAnswer(
      "It is queued.",
      z.strictObject({ jobId: z.string() }),
      z.object({ location: z.string() }),
    ),
  },
  errors: [
    "jobs_unavailable",
    ...(["unsupported_media_type", "invalid_name", "invalid_options", "dataset_not_found"] as const),
    ...(["adapter_deleted", "quota_exceeded", "queue_full", ...SIGNATURE_ERRORS] as const),
  ],
};

export const createJob = (services: Services) => async (c: AppContext) => {
  const body = await readJson(c, trainRequestSchema);
  const adapterName = parseAdapterName(body.name);
  const options = parseInput(trainOptionsSchema, body.options, {
    code: "invalid_options",
    path: ["options"],
  });
  const tenant = c.get("tenant");
  const { id: datasetId } = await services.registry.getDataset(tenant, body.datasetId);
  await services.registry.requirePublishable(tenant, adapterName, services.signer);
  const { priority } = body;
  const idempotencyKey = c.get("idempotencyKey");
  const job = await services.jobs.submit(tenant, {
    ...{ adapterName, datasetId, options, priority, submittedBy: actorOf(c), origin: originOf(c) },
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  return c.json({ jobId: job.id }, 202, { Location: `/v1/jobs/${job.id}` });
};

function originOf(c: AppContext): JobOrigin {
  const { traceparent } = c.get("scope");
  return { requestId: c.get("requestId"), ...(traceparent !== undefined && { traceparent }) };
}
