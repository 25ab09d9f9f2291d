// A job as OpenAI's fine-tuning job, and what happened to it as that one's events.
import { z } from "zod";
import { isFinished, type Job, type JobEvent } from "#trainer/job";
import type { AppContext } from "../../../app-env.ts";
import type { Services } from "../../../services.ts";
import { secondsOf } from "./error.ts";

const auto = z.literal("auto");
const hyperparametersSchema = z.strictObject({
  n_epochs: z.union([auto, z.int()]),
  ...{ batch_size: auto, learning_rate_multiplier: auto },
});

export const fineTuningJobSchema = z.strictObject({
  ...{ id: z.string(), object: z.literal("fine_tuning.job"), created_at: z.int() },
  finished_at: z.int().nullable(),
  status: z.enum(["queued", "running", "succeeded", "failed", "cancelled"]),
  error: z.strictObject({ code: z.string(), message: z.string(), param: z.null() }).nullable(),
  /** The backbone. */
  model: z.string(),
  /** The adapter id of the version that came of it. */
  fine_tuned_model: z.string().nullable(),
  /** The adapter's name. */
  user_provided_suffix: z.string(),
  organization_id: z.string(),
  ...{ training_file: z.string(), validation_file: z.null(), result_files: z.array(z.string()) },
  ...{ trained_tokens: z.null(), estimated_finish: z.null(), seed: z.int() },
  hyperparameters: hyperparametersSchema,
  method: z.strictObject({
    type: z.literal("supervised"),
    supervised: z.strictObject({ hyperparameters: hyperparametersSchema }),
  }),
  ...{ integrations: z.array(z.unknown()), metadata: z.null() },
});

export function fineTuningJobOf(
  { backbone }: Services,
  c: AppContext,
  job: Job,
): z.infer<typeof fineTuningJobSchema> {
  const { id, state, createdAt, updatedAt, adapter, error, adapterName, datasetId, options } = job;
  const hyperparameters = {
    n_epochs: options.epochs ?? ("auto" as const),
    ...{ batch_size: "auto" as const, learning_rate_multiplier: "auto" as const },
  };
  return {
    ...{ id, object: "fine_tuning.job", created_at: secondsOf(createdAt) },
    finished_at: isFinished(state) ? secondsOf(updatedAt) : null,
    status: state,
    // An attempt that failed before another is no end.
    error: state === "failed" && error ? { ...error, param: null } : null,
    model: backbone.id,
    fine_tuned_model: adapter ? `${adapter.name}:${adapter.version}` : null,
    ...{ user_provided_suffix: adapterName, organization_id: c.get("tenant") },
    ...{ training_file: datasetId, validation_file: null, result_files: [] },
    ...{ trained_tokens: null, estimated_finish: null, seed: options.seed },
    hyperparameters,
    method: { type: "supervised", supervised: { hyperparameters } },
    ...{ integrations: [], metadata: null },
  };
}

export const jobEventSchema = z.strictObject({
  ...{ id: z.string(), object: z.literal("fine_tuning.job.event"), created_at: z.int() },
  level: z.enum(["info", "error"]),
  ...{ message: z.string(), type: z.enum(["message", "metrics"]), data: z.record(z.string(), z.unknown()) },
});

export function jobEventOf(jobId: string, { seq, at, data }: JobEvent): z.infer<typeof jobEventSchema> {
  const { type, ...told } = data;
  const hasFailed = data.type === "state" && data.state === "failed";
  return {
    ...{ id: `${jobId}/${seq}`, object: "fine_tuning.job.event", created_at: secondsOf(at) },
    level: hasFailed ? "error" : "info",
    message: messageOf(data),
    type: type === "state" ? "message" : "metrics",
    data: told,
  };
}

function messageOf(data: JobEvent["data"]): string {
  switch (data.type) {
    case "state":
      return data.error ? `${data.state}: ${data.error.message}` : data.state;
    case "progress":
      return `${data.phase}: ${Math.floor(data.progress * 100)} %`;
    case "gates":
      return "Insertions were chosen.";
    case "metrics":
      return `Held-out accuracy ${data.heldOut.accuracy}, macro-F1 ${data.heldOut.macroF1}.`;
  }
}
