// POST /openai/v1/fine_tuning/jobs: a training. `suffix` is the adapter's name, `training_file` a dataset. What has no
// meaning here is refused, not passed over: a user would believe that it was followed.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { trainOptionsSchema } from "#trainer/job";
import type { AppContext } from "../../../app-env.ts";
import { RequestError } from "../../../errors.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../../openapi/operation.ts";
import { parseInput } from "../../../parse-input.ts";
import { readJson } from "../../../read-body.ts";
import type { Services } from "../../../services.ts";
import { askedBy } from "../../jobs/asked-by.ts";
import { openAiErrorForm } from "./error.ts";
import { fineTuningJobOf, fineTuningJobSchema } from "./job-view.ts";

/** Instead of the backbone's id. */
const ANY_BACKBONE = "softgate";

const auto = z.literal("auto", "must be auto").nullish();

const hyperparametersSchema = z.strictObject({
  n_epochs: z.union([z.literal("auto"), z.int().min(1)], "must be auto or a whole number").nullish(),
  ...{ batch_size: auto, learning_rate_multiplier: auto },
});

const nothing = (why: string) => z.null(why).optional();

const requestSchema = z.strictObject({
  model: z.string(),
  training_file: z.string().min(1).max(200),
  suffix: z.string("is the adapter's name, and is required"),
  seed: z.int().nullish(),
  hyperparameters: hyperparametersSchema.nullish(),
  method: z
    .strictObject({
      type: z.literal("supervised", "must be supervised"),
      supervised: z.strictObject({ hyperparameters: hyperparametersSchema.nullish() }).nullish(),
    })
    .nullish(),
  validation_file: nothing("is not supported: held-out rows of the training file take its place"),
  integrations: nothing("is not supported"),
  metadata: nothing("is not kept here"),
});

export const createFineTuningJobOperation: Operation = {
  ...{
    id: "createOpenAiFineTuningJob",
    tag: "drop-ins",
    summary: "As OpenAI's API begins a fine-tuning job",
  },
  body: jsonBody(requestSchema),
  answers: { 200: jsonAnswer("It is queued.", fineTuningJobSchema) },
  errorForm: openAiErrorForm,
  errors: [
    ...(["invalid_name", "invalid_options", "dataset_not_found", "adapter_deleted"] as const),
    ...(["quota_exceeded", "queue_full", "jobs_unavailable", ...SIGNATURE_ERRORS] as const),
  ],
};

export const createFineTuningJob = (services: Services) => async (c: AppContext) => {
  const { model, suffix, training_file, ...given } = await readJson(c, requestSchema);
  requireModel(services, model);
  const adapterName = parseAdapterName(suffix);
  const tenant = c.get("tenant");
  const { id: datasetId } = await services.registry.describeDataset(tenant, training_file);
  await services.registry.requirePublishable(tenant, adapterName, services.signer);
  const options = optionsOf(given);
  const request = { adapterName, datasetId, options, ...askedBy(c) };
  return c.json(fineTuningJobOf(services, c, await services.jobs.submit(tenant, request)));
};

function requireModel({ backbone }: Services, model: string): void {
  if (model === backbone.id || model === ANY_BACKBONE) return;
  throw new RequestError(
    "invalid_request",
    `model: must be ${backbone.id}, the backbone of this server, or ${ANY_BACKBONE}`,
  );
}

function optionsOf({
  seed,
  hyperparameters,
  method,
}: Pick<z.infer<typeof requestSchema>, "seed" | "hyperparameters" | "method">) {
  const epochs = (method?.supervised?.hyperparameters ?? hyperparameters)?.n_epochs ?? "auto";
  const options = {
    ...(typeof seed === "number" && { seed }),
    ...(epochs !== "auto" && { epochs }),
  };
  return parseInput(trainOptionsSchema, options, { code: "invalid_options" });
}
