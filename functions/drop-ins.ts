// Paths that stand in for other servers, so that clients made for these work with this one as they are: which form their
// errors have, and which route answers what. docs/how-to/clients.md has the mappings.
import type { Hono, MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import { answerOnce } from "./middleware/answer-once.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { limitRate } from "./middleware/limit-rate.ts";
import { requireScope } from "./middleware/require-scope.ts";
import { reshapeProblems } from "./middleware/reshape-problems.ts";
import { traceRequest } from "./middleware/trace-request.ts";
import type { RateLimits } from "./rate-limits.ts";
import { classifyForHuggingFace, huggingFaceError } from "./routes/drop-ins/hugging-face.ts";
import { createFineTuningJob } from "./routes/drop-ins/openai/create-job.ts";
import { openAiError } from "./routes/drop-ins/openai/error.ts";
import { createFile, getFile } from "./routes/drop-ins/openai/files.ts";
import {
  cancelFineTuningJob,
  getFineTuningJob,
  listFineTuningJobs,
  listJobEvents,
} from "./routes/drop-ins/openai/jobs.ts";
import { deleteModel, getModel, listModels } from "./routes/drop-ins/openai/models.ts";
import { predict, predictError } from "./routes/drop-ins/predict.ts";
import type { Timings, Tracer } from "./scope.ts";
import type { Services } from "./services.ts";

const errorsByPath = [
  ["/models/*", huggingFaceError],
  ["/predict", predictError],
  ["/openai/v1/*", openAiError],
] as const;

/** All that these clients ask. */
export const DROP_IN_PATHS = errorsByPath.map(([path]) => path);

/** Before whatever may refuse a request. */
export function reshapeDropIns(app: Hono<AppEnv>): void {
  for (const [path, reshape] of errorsByPath) app.use(path, reshapeProblems(reshape));
}

export interface DropInOptions {
  readonly tracer: Tracer;
  readonly timings: Timings;
  readonly rates: RateLimits;
  /** Bounds uploads at once, together with those of other routes. */
  readonly uploads: MiddlewareHandler<AppEnv>;
  /** Adapter id that POST /predict answers with, of the caller's tenant. */
  readonly defaultAdapter: string | undefined;
}

export function routeDropIns(
  app: Hono<AppEnv>,
  services: Services,
  { tracer, timings, rates, uploads, defaultAdapter }: DropInOptions,
): void {
  for (const [path] of errorsByPath) {
    app.use(path, traceRequest(tracer, timings));
    app.use(path, authenticate(services));
    app.use(path, limitRate(rates));
  }
  app.post("/models/:adapterId", requireScope("classify"), classifyForHuggingFace(services));
  app.post("/predict", requireScope("classify"), predict(services, defaultAdapter));
  routeOpenAi(app, services, uploads);
}

function routeOpenAi(app: Hono<AppEnv>, services: Services, uploads: MiddlewareHandler<AppEnv>): void {
  const once = answerOnce(services);
  app.post("/openai/v1/files", requireScope("train"), uploads, once, createFile(services));
  app.get("/openai/v1/files/:id", requireScope("read", "train"), getFile(services));
  app.post("/openai/v1/fine_tuning/jobs", requireScope("train"), once, createFineTuningJob(services));
  app.get("/openai/v1/fine_tuning/jobs", requireScope("read", "train"), listFineTuningJobs(services));
  app.get("/openai/v1/fine_tuning/jobs/:id", requireScope("read", "train"), getFineTuningJob(services));
  app.get("/openai/v1/fine_tuning/jobs/:id/events", requireScope("read", "train"), listJobEvents(services));
  app.post(
    "/openai/v1/fine_tuning/jobs/:id/cancel",
    requireScope("train"),
    once,
    cancelFineTuningJob(services),
  );
  app.get("/openai/v1/models", requireScope("read"), listModels(services));
  app.get("/openai/v1/models/:id", requireScope("read"), getModel(services));
  app.delete("/openai/v1/models/:id", requireScope("admin"), deleteModel(services));
}
