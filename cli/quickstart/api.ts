// The HTTP API from a client's side: what quickstart and the end-to-end test know of the server's answers.
import { z } from "zod";
import { JOB_STATES } from "#trainer/job";
import { createClient } from "../remote/client.ts";
import { jobPath } from "../remote/remote-jobs.ts";

const reportSchema = z.looseObject({
  promptLayers: z.array(z.int()),
  scaleShiftLayers: z.array(z.int()),
  lowRankLayers: z.array(z.int()),
  gates: z.array(z.object({ kind: z.string(), layer: z.int(), value: z.number() })),
  seconds: z.number(),
  validation: z.object({ accuracy: z.number(), n: z.int() }).optional(),
  frozenProbe: z.object({ accuracy: z.number(), n: z.int() }).optional(),
});

const jobSchema = z.object({
  state: z.enum(JOB_STATES),
  attempt: z.int(),
  phase: z.string().optional(),
  progress: z.number(),
  report: reportSchema.optional(),
  adapter: z.object({ name: z.string(), version: z.int(), digest: z.string() }).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

const schemas = {
  dataset: z.object({ id: z.string(), rows: z.int(), labels: z.array(z.string()) }),
  accepted: z.object({ jobId: z.string() }),
  classified: z.object({
    version: z.int(),
    digest: z.string(),
    predictions: z.array(z.object({ label: z.string(), score: z.number() })),
  }),
};

export type JobView = z.infer<typeof jobSchema>;

export interface Api {
  upload(file: { bytes: Uint8Array; name: string }): Promise<z.infer<typeof schemas.dataset>>;
  /** The job's id. */
  train(request: { name: string; datasetId: string; options?: object }): Promise<string>;
  job(id: string): Promise<JobView>;
  cancel(id: string): Promise<JobView>;
  classify(request: {
    adapterId: string;
    inputs: readonly unknown[];
  }): Promise<z.infer<typeof schemas.classified>>;
}

/** Each method throws what the client's do. Nothing ends a call but its answer or its time. */
export function createApi(url: string, key: string): Api {
  const client = createClient({ url, key }, new AbortController().signal);
  return {
    upload: async (file) => schemas.dataset.parse(await client.upload("/v1/datasets", file)),
    train: async (request) =>
      schemas.accepted.parse(await client.send("POST", "/v1/adapters", request)).jobId,
    job: async (id) => jobSchema.parse(await client.get(jobPath(id))),
    cancel: async (id) => jobSchema.parse(await client.send("POST", `${jobPath(id)}/cancel`)),
    classify: async (request) => schemas.classified.parse(await client.send("POST", "/v1/classify", request)),
  };
}
