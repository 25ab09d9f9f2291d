// POST /v1/adapters: the third step, train, as a job. Answers at once; GET /v1/jobs/:id follows it. With a file as
// its body it is the first two steps, too.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { PRIORITY_MAX, PRIORITY_MIN, trainOptionsSchema } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseInput } from "../../parse-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { DATASET_ERRORS, UPLOAD_CONTENT } from "../datasets/store-upload.ts";
import { askedBy } from "./asked-by.ts";
import { isFile, trainOnFile, trainOnFileFields, trainOnFileQuery } from "./train-on-file.ts";

export const trainRequestSchema = z.strictObject({
  name: z.string(),
  datasetId: z.string().min(1).max(200),
  options: z.unknown().default({}),
  priority: z.int().min(PRIORITY_MIN).max(PRIORITY_MAX).default(0),
});

export const createJobOperation: Operation = {
  ...{ id: "trainAdapter", tag: "jobs", summary: "Trains the next version of an adapter on a dataset" },
  query: trainOnFileQuery,
  body: {
    content: {
      ...jsonBody(trainRequestSchema.extend({ options: trainOptionsSchema.exactOptional() })).content,
      ...UPLOAD_CONTENT,
    },
  },
  answers: {
    202: jsonAnswer(
      "It is queued.",
      z.strictObject({ jobId: z.string(), ...z.object(trainOnFileFields).partial().shape }),
      z.object({ location: z.string() }),
    ),
  },
  errors: [
    "jobs_unavailable",
    ...DATASET_ERRORS,
    ...(["too_many_uploads", "invalid_name", "invalid_options", "dataset_not_found"] as const),
    ...(["adapter_deleted", "queue_full", ...SIGNATURE_ERRORS] as const),
  ],
};

export const createJob = (services: Services) => async (c: AppContext) => {
  if (isFile(c)) return trainOnFile(services, c);
  const body = await readJson(c, trainRequestSchema);
  const adapterName = parseAdapterName(body.name);
  const options = parseInput(trainOptionsSchema, body.options, {
    code: "invalid_options",
    path: ["options"],
  });
  const tenant = c.get("tenant");
  const { id: datasetId } = await services.registry.describeDataset(tenant, body.datasetId);
  await services.registry.requirePublishable(tenant, adapterName, services.signer);
  const { priority } = body;
  const job = await services.jobs.submit(tenant, {
    adapterName,
    datasetId,
    options,
    priority,
    ...askedBy(c),
  });
  return c.json({ jobId: job.id }, 202, { Location: `/v1/jobs/${job.id}` });
};
