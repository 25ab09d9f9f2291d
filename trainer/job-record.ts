// A job as the store holds it: opaque JSON to the registry, parsed here when it comes back.
import { z } from "zod";
import type { Job, TrainingReport } from "./job.ts";
import { trainOptionsSchema } from "./options.ts";

const jobRecordSchema = z.object({
  id: z.string().min(1),
  adapterName: z.string(),
  datasetId: z.string(),
  options: trainOptionsSchema,
  state: z.enum(["queued", "running", "succeeded", "failed"]),
  phase: z.string().exactOptional(),
  progress: z.number().min(0).max(1),
  createdAt: z.string(),
  updatedAt: z.string(),
  origin: z.object({ requestId: z.string(), traceparent: z.string().exactOptional() }).exactOptional(),
  submittedBy: z.object({ id: z.string(), requestId: z.string().exactOptional() }).exactOptional(),
  report: z.custom<TrainingReport>((report) => typeof report === "object" && report !== null).exactOptional(),
  adapter: z
    .object({ name: z.string(), version: z.int(), digest: z.string(), heldBack: z.string().exactOptional() })
    .exactOptional(),
  error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
});

/** Throws when the record is not one of ours. */
export function parseJobRecord(record: unknown): Job {
  return jobRecordSchema.parse(record);
}
