// What of a job a caller sees.
import { z } from "zod";
import { JOB_STATES, type Job } from "#trainer/job";

export const jobErrorSchema = z.strictObject({ code: z.string(), message: z.string() });

export const jobAdapterSchema = z.strictObject({
  ...{ name: z.string(), version: z.int(), digest: z.string() },
  heldBack: z.string().exactOptional(),
});

export const jobSchema = z
  .strictObject({
    id: z.string(),
    state: z.enum(JOB_STATES),
    attempt: z.int().min(0),
    priority: z.int(),
    phase: z.string().exactOptional(),
    progress: z.number().min(0).max(1),
    ...{ adapterName: z.string(), datasetId: z.string() },
    ...{ createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() },
    report: z.record(z.string(), z.unknown()).exactOptional(),
    adapter: jobAdapterSchema.exactOptional(),
    error: jobErrorSchema.exactOptional(),
    retriable: z
      .literal(true)
      .meta({ description: "Of a dead letter: its retries are spent, and it can be retried." })
      .exactOptional(),
  })
  .meta({ id: "Job" });

/** Absent fields are left out; of a list, the report is absent. */
export function viewOf(job: Job) {
  const { id, state, attempt, priority, phase, progress, adapterName, datasetId, createdAt, updatedAt } = job;
  const { report, adapter, error, isRetriable: retriable } = job;
  return {
    ...{ id, state, attempt, priority, phase, progress, adapterName, datasetId, createdAt, updatedAt },
    ...{ report, adapter, error, retriable },
  };
}
