// Rows of the table of jobs ↔ jobs. What comes out of the database is parsed, as what comes over the network is.
import { z } from "zod";
import { DEAD_LETTER_DAYS_MAX, JOB_STATES, type Job, type TrainingReport } from "../job.ts";
import { trainOptionsSchema } from "../options.ts";
import type { Row } from "./database.ts";

/** What a list needs of each job; a report may have a hundred kilobytes. */
export const LISTED_COLUMNS =
  "id, tenant, adapter_name, dataset_id, options, retraining, origin, submitted_by, priority, state, cause, attempt, ready_at, publishing, phase, progress, adapter, error, created_at, updated_at";
export const ALL_COLUMNS = `${LISTED_COLUMNS}, report`;

const present = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => value ?? undefined, schema.optional());
const time = z.date().transform((date) => date.toISOString());

export const jobErrorSchema = z.object({ code: z.string(), message: z.string() });
export const jobAdapterSchema = z.object({
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  heldBack: z.string().exactOptional(),
});

const rowSchema = z.object({
  id: z.uuid(),
  tenant: z.string(),
  adapter_name: z.string(),
  dataset_id: z.string(),
  options: trainOptionsSchema,
  retraining: present(z.object({ version: z.int(), rowsBefore: z.int() })),
  origin: present(z.object({ requestId: z.string(), traceparent: z.string().exactOptional() })),
  submitted_by: present(z.object({ id: z.string(), requestId: z.string().exactOptional() })),
  priority: z.int(),
  state: z.enum(JOB_STATES),
  cause: z.string(),
  attempt: z.int(),
  ready_at: z.date(),
  publishing: z.boolean(),
  phase: present(z.string()),
  progress: z.number(),
  adapter: present(jobAdapterSchema),
  error: present(jobErrorSchema),
  created_at: time,
  updated_at: time,
  report: present(z.custom<TrainingReport>((report) => typeof report === "object")),
});

export interface StoredJob {
  readonly job: Job;
  readonly tenant: string;
  readonly isPublishing: boolean;
}

/** Throws for a row that is none of ours. */
export function parseJobRow(row: Row): StoredJob {
  const read = rowSchema.parse(row);
  const { phase, retraining, origin, submitted_by: submittedBy, report, adapter, error } = read;
  return {
    tenant: read.tenant,
    isPublishing: read.publishing,
    job: {
      id: jobIdOf(read.id),
      adapterName: read.adapter_name,
      datasetId: read.dataset_id,
      ...{ options: read.options, state: read.state, attempt: read.attempt, priority: read.priority },
      ...{ progress: read.progress, createdAt: read.created_at, updatedAt: read.updated_at },
      ...(phase !== undefined && { phase }),
      ...(retraining && { retraining }),
      ...(origin && { origin }),
      ...(submittedBy && { submittedBy }),
      ...(report && { report }),
      ...(adapter && { adapter }),
      ...(error && { error }),
      ...(isDeadLetter(read) && { isRetriable: true as const }),
    },
  };
}

/** And not for so long that the queue has forgotten it. */
function isDeadLetter({ state, cause, updated_at }: z.infer<typeof rowSchema>): boolean {
  const days = (Date.now() - Date.parse(updated_at)) / (24 * 60 * 60 * 1_000);
  return state === "failed" && cause === "attempts_spent" && days < DEAD_LETTER_DAYS_MAX;
}

const PREFIX = "job-";

export function jobIdOf(uuid: string): string {
  return `${PREFIX}${uuid}`;
}

/** Undefined for what no job is called. */
export function uuidOf(jobId: string): string | undefined {
  const id = jobId.startsWith(PREFIX) ? jobId.slice(PREFIX.length) : "";
  return z.uuid().safeParse(id).data;
}
