// The HTTP API from a client's side: what quickstart and the end-to-end test know of the server.
import { z } from "zod";
import { JOB_STATES } from "#trainer/job";

const reportSchema = z.looseObject({
  promptLayers: z.array(z.int()),
  scaleShiftLayers: z.array(z.int()),
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
  problem: z.object({ code: z.string(), detail: z.string() }),
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

/** Each method throws an Error with the problem's code and detail. */
export function createApi(url: string, key: string): Api {
  const headers = { Authorization: `Bearer ${key}` };
  const get = (path: string) => fetch(`${url}${path}`, { headers });
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  return {
    async upload({ bytes, name }) {
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(bytes)]), name);
      return read(
        await fetch(`${url}/v1/datasets`, { method: "POST", headers, body: form }),
        schemas.dataset,
      );
    },
    train: async (request) => (await read(await post("/v1/adapters", request), schemas.accepted)).jobId,
    job: async (id) => read(await get(`/v1/jobs/${id}`), jobSchema),
    cancel: async (id) => read(await post(`/v1/jobs/${id}/cancel`, {}), jobSchema),
    classify: async (request) => read(await post("/v1/classify", request), schemas.classified),
  };
}

async function read<Schema extends z.ZodType>(response: Response, schema: Schema): Promise<z.output<Schema>> {
  const body: unknown = await response.json();
  if (response.ok) return schema.parse(body);
  const problem = schemas.problem.safeParse(body);
  throw new Error(
    problem.success ? `${problem.data.code}: ${problem.data.detail}` : `HTTP ${response.status}`,
  );
}
