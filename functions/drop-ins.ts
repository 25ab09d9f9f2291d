// Paths that stand in for other servers, so that clients made for these work with this one as they are: which form their
// errors have, and which route answers what. docs/how-to/clients.md has the mappings.
import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { limitRate } from "./middleware/limit-rate.ts";
import { requireScope } from "./middleware/require-scope.ts";
import { reshapeProblems } from "./middleware/reshape-problems.ts";
import { traceRequest } from "./middleware/trace-request.ts";
import type { RateLimits } from "./rate-limits.ts";
import { classifyForHuggingFace, huggingFaceError } from "./routes/drop-ins/hugging-face.ts";
import { predict, predictError } from "./routes/drop-ins/predict.ts";
import type { Timings, Tracer } from "./scope.ts";
import type { Services } from "./services.ts";

const errorsByPath = [
  ["/models/*", huggingFaceError],
  ["/predict", predictError],
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
  /** Adapter id that POST /predict answers with, of the caller's tenant. */
  readonly defaultAdapter: string | undefined;
}

export function routeDropIns(
  app: Hono<AppEnv>,
  services: Services,
  { tracer, timings, rates, defaultAdapter }: DropInOptions,
): void {
  for (const [path] of errorsByPath) {
    app.use(path, traceRequest(tracer, timings));
    app.use(path, authenticate(services));
    app.use(path, limitRate(rates));
  }
  app.post("/models/:adapterId", requireScope("classify"), classifyForHuggingFace(services));
  app.post("/predict", requireScope("classify"), predict(services, defaultAdapter));
}
