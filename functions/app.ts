// HTTP in, HTTP out: which middleware runs in which order, and which route answers what. Read top to
// bottom. No tensors, no store keys, no business rule here or below.
import { Hono, type MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { AppContext, AppEnv } from "./app-env.ts";
import { reshapeDropIns, routeDropIns } from "./drop-ins.ts";
import { RequestError } from "./errors.ts";
import { limitTexts } from "./limit-texts.ts";
import { allowOrigins } from "./middleware/allow-origins.ts";
import { answerOnce } from "./middleware/answer-once.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { cacheControl } from "./middleware/cache-control.ts";
import { leaveConnections } from "./middleware/leave-connections.ts";
import {
  COMPLETION_PLACES,
  IMPORT_PLACES,
  limitAtOnce,
  RETRAINING_PLACES,
  UPLOAD_PLACES,
} from "./middleware/limit-at-once.ts";
import { bodyMsMaxOf, limitBody } from "./middleware/limit-body.ts";
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
import { getAlias } from "./routes/aliases/get.ts";
import { listHistory } from "./routes/aliases/history.ts";
import { listAliases } from "./routes/aliases/list.ts";
import { protectAlias } from "./routes/aliases/protect.ts";
import { rollbackAlias } from "./routes/aliases/rollback.ts";
import { setAlias } from "./routes/aliases/set.ts";
import { listAudit } from "./routes/audit/list.ts";
import { classify } from "./routes/classify/classify.ts";
import { beginUpload } from "./routes/datasets/begin-upload.ts";
import { completeUpload } from "./routes/datasets/complete-upload.ts";
import { listDatasets } from "./routes/datasets/list.ts";
import { uploadDataset } from "./routes/datasets/upload.ts";
import { docs, docsScript } from "./routes/docs/docs.ts";
import { openapi } from "./routes/docs/openapi.ts";
import { getError } from "./routes/errors/get.ts";
import { createFeedback } from "./routes/feedback/create.ts";
import { listFeedback } from "./routes/feedback/list.ts";
import { removeFeedback } from "./routes/feedback/remove.ts";
import { retrain } from "./routes/feedback/retrain.ts";
import { live } from "./routes/health/live.ts";
import { ready } from "./routes/health/ready.ts";
import { cancelJob } from "./routes/jobs/cancel.ts";
import { createJob } from "./routes/jobs/create.ts";
import { jobEvents } from "./routes/jobs/events.ts";
import { getJob } from "./routes/jobs/get.ts";
import { listJobs } from "./routes/jobs/list.ts";
import { retryJob } from "./routes/jobs/retry.ts";
import { createKey } from "./routes/keys/create.ts";
import { listKeys } from "./routes/keys/list.ts";
import { revokeKey } from "./routes/keys/revoke.ts";
import { rotateKey } from "./routes/keys/rotate.ts";
import { getShadow } from "./routes/shadow/get.ts";
import { setShadow } from "./routes/shadow/set.ts";
import { getUsage } from "./routes/usage/get.ts";
import { createWebhook } from "./routes/webhooks/create.ts";
import { listWebhooks } from "./routes/webhooks/list.ts";
import { removeWebhook } from "./routes/webhooks/remove.ts";
import { NO_TIMINGS, NO_TRACER, type Timings, type Tracer } from "./scope.ts";
import type { Services } from "./services.ts";
import { ShadowMode } from "./shadow-mode.ts";

export interface AppOptions {
  /** Milliseconds; for durations and the readiness cache. */
  readonly now?: () => number;
  readonly randomId?: () => string;
  /** Default: no traces, no metrics. */
  readonly tracer?: Tracer;
  readonly timings?: Timings;
  /** How long a body of so many bytes at most may take to come. Default bodyMsMaxOf. */
  readonly bodyMsMaxOf?: (bodyBytesMax: number) => number;
  /** Of web pages that may call the API; none without. */
  readonly corsOrigins?: readonly string[];
  /** Whether the server will close soon: it answers still, and is no longer ready. */
  readonly isStopping?: () => boolean;
  /** Adapter id that POST /predict answers with, of the caller's tenant; 404 without. */
  readonly defaultAdapter?: string | undefined;
  /** Of any request, where memory is short. Default: what each route takes. */
  readonly bodyBytesMax?: number;
}

/** Headers that a 304 keeps. */
const KEPT_WITHOUT_BODY = [
  ...RETAINED_304_HEADERS,
  ...["X-Request-Id", "RateLimit", "RateLimit-Policy"],
  ...["Access-Control-Allow-Origin", "Access-Control-Expose-Headers"],
];

export function createApp(given: Services, options: AppOptions = {}): Hono<AppEnv> {
  const { now = Date.now, randomId = () => crypto.randomUUID() } = options;
  const { tracer = NO_TRACER, timings = NO_TIMINGS, isStopping = () => false, corsOrigins = [] } = options;
  const rates = new RateLimits(given.registry, now);
  const shadow = new ShadowMode(given);
  const services = { ...given, shadow, classifier: limitTexts(shadow.classifier, rates) };
  const app = new Hono<AppEnv>();

  app.use(requestId(randomId));
  app.use(logRequest(services.log, now));
  app.use(leaveConnections(isStopping));
  app.use(allowOrigins(corsOrigins));
  // Never of events, which must not wait for more of them.
  app.use(compress());
  app.use(cacheControl());
  // Within what packs answers: it reads problems.
  reshapeDropIns(app);
  app.use(limitBody(options.bodyMsMaxOf ?? bodyMsMaxOf, options.bodyBytesMax));
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.onError(renderError(services.log));
  app.notFound(renderNotFound());

  app.get("/", about());
  app.get("/openapi.json", openapi());
  app.get("/docs", docs());
  app.get("/docs/scalar.js", docsScript());
  app.get("/errors/:code", getError());
  app.get("/livez", live());
  app.get("/readyz", ready(services, { now, isStopping }));

  app.use("/v1/*", traceRequest(tracer, timings));
  app.use("/v1/*", authenticate(services));
  app.use("/v1/*", limitRate(rates));
  const uploads = limitAtOnce(UPLOAD_PLACES);
  addTenantRoutes(app, services, { isStopping, uploads, shadow });
  const { defaultAdapter } = options;
  routeDropIns(app, services, { tracer, timings, rates, uploads, defaultAdapter });
  return app;
}

/** What a tenant's key opens. Each route has its scope; each that changes something by POST is done once. */
function addTenantRoutes(
  app: Hono<AppEnv>,
  services: Services,
  {
    isStopping,
    uploads,
    shadow,
  }: { isStopping: () => boolean; uploads: MiddlewareHandler<AppEnv>; shadow: ShadowMode },
): void {
  const once = answerOnce(services);
  const onceInSecret = answerOnce(services, { isSecret: true });
  const completions = limitAtOnce(COMPLETION_PLACES);
  const imports = limitAtOnce(IMPORT_PLACES);
  const retrainings = limitAtOnce(RETRAINING_PLACES);

  app.use("/v1/adapters/*", etag({ retainedHeaders: KEPT_WITHOUT_BODY }));
  app.get("/v1/datasets", requireScope("read", "train"), listDatasets(services));
  app.post("/v1/datasets", requireScope("train"), uploads, once, uploadDataset(services));
  app.post("/v1/datasets/uploads", requireScope("train"), onceInSecret, beginUpload(services));
  app.post("/v1/datasets/:id/complete", requireScope("train"), once, completions, completeUpload(services));
  app.post("/v1/adapters", requireScope("train"), uploads, once, createJob(services));
  app.get("/v1/jobs", requireScope("read", "train"), listJobs(services));
  app.get("/v1/jobs/:id", requireScope("read", "train"), getJob(services, { isStopping }));
  app.get("/v1/jobs/:id/events", requireScope("read", "train"), jobEvents(services, { isStopping }));
  app.post("/v1/jobs/:id/cancel", requireScope("train"), once, cancelJob(services));
  app.post("/v1/jobs/:id/retry", requireScope("train"), once, retryJob(services));
  app.get("/v1/adapters", requireScope("read"), listAdapters(services));
  app.get("/v1/adapters/:name/versions", requireScope("read"), listVersions(services));
  app.get("/v1/adapters/:name/versions/:version", requireScope("read"), getVersion(services));
  app.get("/v1/adapters/:name/versions/:version/report", requireScope("read"), getReport(services));
  app.get("/v1/adapters/:name/versions/:version/export", requireScope("read"), exportVersion(services));
  app.post("/v1/adapters/:name/import", requireScope("train"), imports, once, importVersion(services));
  app.delete("/v1/adapters/:name", requireScope("admin"), removeAdapter(services));
  app.post("/v1/adapters/:name/restore", requireScope("admin"), once, restoreAdapter(services));
  app.delete("/v1/adapters/:name/versions/:version", requireScope("admin"), removeVersion(services));
  app.post(
    "/v1/adapters/:name/versions/:version/restore",
    requireScope("admin"),
    once,
    restoreVersion(services),
  );
  app.get("/v1/adapters/:name/retention", requireScope("read"), getRetention(services));
  app.put("/v1/adapters/:name/retention", requireScope("admin"), setRetention(services));
  app.get("/v1/adapters/:name/history", requireScope("read"), listHistory(services));
  app.get("/v1/adapters/:name/aliases", requireScope("read"), listAliases(services));
  app.get("/v1/adapters/:name/aliases/:alias", requireScope("read"), getAlias(services));
  app.put("/v1/adapters/:name/aliases/:alias", requireScope("admin"), setAlias(services));
  app.post(
    "/v1/adapters/:name/aliases/:alias/rollback",
    requireScope("admin"),
    once,
    rollbackAlias(services),
  );
  app.put("/v1/adapters/:name/aliases/:alias/protection", requireScope("admin"), protectAlias(services));
  app.get("/v1/adapters/:name/feedback", requireScope("read", "train"), listFeedback(services));
  app.post("/v1/adapters/:name/feedback", requireScope("classify", "train"), once, createFeedback(services));
  app.delete("/v1/adapters/:name/feedback/:id", requireScope("train"), removeFeedback(services));
  app.post("/v1/adapters/:name/retrain", requireScope("train"), retrainings, once, retrain(services));
  app.get("/v1/adapters/:name/shadow", requireScope("read"), getShadow(services, shadow));
  app.put("/v1/adapters/:name/shadow", requireScope("admin"), setShadow(services));
  app.get("/v1/webhooks", requireScope("admin"), listWebhooks(services));
  app.post("/v1/webhooks", requireScope("admin"), onceInSecret, createWebhook(services));
  app.delete("/v1/webhooks/:id", requireScope("admin"), removeWebhook(services));
  app.get("/v1/usage", requireScope("read"), getUsage(services));
  app.get("/v1/audit", requireScope("admin"), listAudit(services));
  app.get("/v1/keys", requireScope("admin"), listKeys(services));
  app.post("/v1/keys", requireScope("admin"), onceInSecret, createKey(services));
  app.post("/v1/keys/:id/rotate", requireScope("admin"), onceInSecret, rotateKey(services));
  app.delete("/v1/keys/:id", requireScope("admin"), revokeKey(services));
  app.post("/v1/classify", requireScope("classify"), classify(services));
}

function onMethodNotAllowed(c: AppContext, methods: readonly string[]): Response {
  const allow = methods.join(", ");
  return problemResponse(
    c,
    new RequestError("method_not_allowed", `This path answers ${allow}.`, { headers: { Allow: allow } }),
  );
}
