// HTTP in, HTTP out: which middleware runs in which order, and which route answers what. Read top to
// bottom. No tensors, no store keys, no business rule here or below.
import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { AppContext, AppEnv } from "./app-env.ts";
import { RequestError } from "./errors.ts";
import { limitTexts } from "./limit-texts.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { leaveConnections } from "./middleware/leave-connections.ts";
import { limitBody } from "./middleware/limit-body.ts";
import { limitRate } from "./middleware/limit-rate.ts";
import { logRequest } from "./middleware/log-request.ts";
import { renderError, renderNotFound } from "./middleware/render-error.ts";
import { requestId } from "./middleware/request-id.ts";
import { requireScope } from "./middleware/require-scope.ts";
import { traceRequest } from "./middleware/trace-request.ts";
import { problemResponse } from "./problem.ts";
import { RateLimits } from "./rate-limits.ts";
import { about } from "./routes/about.ts";
import { exportVersion } from "./routes/adapters/export-version.ts";
import { getReport } from "./routes/adapters/get-report.ts";
import { getRetention } from "./routes/adapters/get-retention.ts";
import { getVersion } from "./routes/adapters/get-version.ts";
import { importVersion } from "./routes/adapters/import-version.ts";
import { listAdapters } from "./routes/adapters/list.ts";
import { listVersions } from "./routes/adapters/list-versions.ts";
import { removeAdapter } from "./routes/adapters/remove.ts";
import { removeVersion } from "./routes/adapters/remove-version.ts";
import { restoreAdapter } from "./routes/adapters/restore.ts";
import { restoreVersion } from "./routes/adapters/restore-version.ts";
import { setRetention } from "./routes/adapters/set-retention.ts";
import { listHistory } from "./routes/aliases/history.ts";
import { listAliases } from "./routes/aliases/list.ts";
import { protectAlias } from "./routes/aliases/protect.ts";
import { rollbackAlias } from "./routes/aliases/rollback.ts";
import { setAlias } from "./routes/aliases/set.ts";
import { listAudit } from "./routes/audit/list.ts";
import { classify } from "./routes/classify/classify.ts";
import { uploadDataset } from "./routes/datasets/upload.ts";
import { docs, docsScript } from "./routes/docs/docs.ts";
import { openapi } from "./routes/docs/openapi.ts";
import { live } from "./routes/health/live.ts";
import { ready } from "./routes/health/ready.ts";
import { createJob } from "./routes/jobs/create.ts";
import { getJob } from "./routes/jobs/get.ts";
import { createKey } from "./routes/keys/create.ts";
import { listKeys } from "./routes/keys/list.ts";
import { revokeKey } from "./routes/keys/revoke.ts";
import { rotateKey } from "./routes/keys/rotate.ts";
import { getUsage } from "./routes/usage/get.ts";
import { NO_TIMINGS, NO_TRACER, type Timings, type Tracer } from "./scope.ts";
import type { Services } from "./services.ts";

export interface AppOptions {
  /** Milliseconds; for durations and the readiness cache. */
  readonly now?: () => number;
  readonly randomId?: () => string;
  /** Default: no traces, no metrics. */
  readonly tracer?: Tracer;
  readonly timings?: Timings;
  /** Whether the server will close soon: it answers still, and is no longer ready. */
  readonly isStopping?: () => boolean;
}

export function createApp(given: Services, options: AppOptions = {}): Hono<AppEnv> {
  const { now = Date.now, randomId = () => crypto.randomUUID() } = options;
  const { tracer = NO_TRACER, timings = NO_TIMINGS, isStopping = () => false } = options;
  const rates = new RateLimits(given.registry, now);
  const services = { ...given, classifier: limitTexts(given.classifier, rates) };
  const app = new Hono<AppEnv>();

  app.use(requestId(randomId));
  app.use(logRequest(services.log, now));
  app.use(leaveConnections(isStopping));
  app.use(limitBody());
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.onError(renderError(services.log));
  app.notFound(renderNotFound());

  app.get("/", about());
  app.get("/openapi.json", openapi());
  app.get("/docs", docs());
  app.get("/docs/scalar.js", docsScript());
  app.get("/livez", live());
  app.get("/readyz", ready(services, { now, isStopping }));

  app.use("/v1/*", traceRequest(tracer, timings));
  app.use("/v1/*", authenticate(services));
  app.use("/v1/*", limitRate(rates));
  app.post("/v1/datasets", requireScope("train"), uploadDataset(services));
  app.post("/v1/adapters", requireScope("train"), createJob(services));
  app.get("/v1/jobs/:id", requireScope("read", "train"), getJob(services));
  app.get("/v1/adapters", requireScope("read"), listAdapters(services));
  app.get("/v1/adapters/:name/versions", requireScope("read"), listVersions(services));
  app.get("/v1/adapters/:name/versions/:version", requireScope("read"), getVersion(services));
  app.get("/v1/adapters/:name/versions/:version/report", requireScope("read"), getReport(services));
  app.get("/v1/adapters/:name/versions/:version/export", requireScope("read"), exportVersion(services));
  app.post("/v1/adapters/:name/import", requireScope("train"), importVersion(services));
  app.delete("/v1/adapters/:name", requireScope("admin"), removeAdapter(services));
  app.post("/v1/adapters/:name/restore", requireScope("admin"), restoreAdapter(services));
  app.delete("/v1/adapters/:name/versions/:version", requireScope("admin"), removeVersion(services));
  app.post("/v1/adapters/:name/versions/:version/restore", requireScope("admin"), restoreVersion(services));
  app.get("/v1/adapters/:name/retention", requireScope("read"), getRetention(services));
  app.put("/v1/adapters/:name/retention", requireScope("admin"), setRetention(services));
  app.get("/v1/adapters/:name/history", requireScope("read"), listHistory(services));
  app.get("/v1/adapters/:name/aliases", requireScope("read"), listAliases(services));
  app.put("/v1/adapters/:name/aliases/:alias", requireScope("admin"), setAlias(services));
  app.post("/v1/adapters/:name/aliases/:alias/rollback", requireScope("admin"), rollbackAlias(services));
  app.put("/v1/adapters/:name/aliases/:alias/protection", requireScope("admin"), protectAlias(services));
  app.get("/v1/usage", requireScope("read"), getUsage(services));
  app.get("/v1/audit", requireScope("admin"), listAudit(services));
  app.get("/v1/keys", requireScope("admin"), listKeys(services));
  app.post("/v1/keys", requireScope("admin"), createKey(services));
  app.post("/v1/keys/:id/rotate", requireScope("admin"), rotateKey(services));
  app.delete("/v1/keys/:id", requireScope("admin"), revokeKey(services));
  app.post("/v1/classify", requireScope("classify"), classify(services));
  return app;
}

function onMethodNotAllowed(c: AppContext, methods: readonly string[]): Response {
  const allow = methods.join(", ");
  return problemResponse(
    c,
    new RequestError("method_not_allowed", `This path answers ${allow}.`, { headers: { Allow: allow } }),
  );
}
