// The jobs of a server, over HTTP, and what commands ask of jobs wherever they are.
import { z } from "zod";
import { JOB_STATES, type JobState } from "#trainer/job";
import type { Client } from "./client.ts";

export const jobSchema = z.looseObject({
  id: z.string(),
  state: z.enum(JOB_STATES),
  phase: z.string().optional(),
  progress: z.number(),
  createdAt: z.string(),
  updatedAt: z.string(),
  adapterName: z.string(),
  report: z.unknown().optional(),
  adapter: z
    .looseObject({ name: z.string(), version: z.int(), digest: z.string(), heldBack: z.string().optional() })
    .optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  /** Of a dead letter. */
  retriable: z.literal(true).optional(),
});

export type JobOfPlace = z.infer<typeof jobSchema>;

export interface JobsQuery {
  readonly adapter?: string;
  readonly state?: JobState;
  readonly after?: string;
  readonly limit: number;
}

/** Throws RemoteError job_not_found, job_not_cancellable, job_not_retriable, as the registry's methods do. */
export interface JobPort {
  get(id: string): Promise<JobOfPlace>;
  /** The newest first; `next` is the `after` of the next page. */
  list(query: JobsQuery): Promise<{ jobs: JobOfPlace[]; next?: string | undefined }>;
  cancel(id: string): Promise<JobOfPlace>;
  retry(id: string): Promise<JobOfPlace>;
}

const pageSchema = z.looseObject({ jobs: z.array(jobSchema), next: z.string().optional() });

export function createRemoteJobs(client: Client): JobPort {
  return {
    get: async (id) => jobSchema.parse(await client.get(jobPath(id))),
    list: async (query) => pageSchema.parse(await client.get("/v1/jobs", { ...query })),
    cancel: async (id) => jobSchema.parse(await client.send("POST", `${jobPath(id)}/cancel`)),
    retry: async (id) => jobSchema.parse(await client.send("POST", `${jobPath(id)}/retry`)),
  };
}

export function jobPath(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}
