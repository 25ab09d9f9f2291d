// The gateway's order of things: a request's key, its tenant's limit, then what the registry knows by itself, and all else
// at a server. Read top to bottom. The registry's routes are those of every server (app.ts), over the same bucket.
import { Hono } from "hono";
import { parsePublishedAdapter } from "#model";
import { createRegistry, R2BindingStore } from "#registry";
import { createApp } from "../app.ts";
import type { AppContext, AppEnv } from "../app-env.ts";
import { DROP_IN_PATHS, reshapeDropIns } from "../drop-ins.ts";
import type { ExecutionContext } from "../edge/edge-host.ts";
import { forWorker } from "../edge/for-worker.ts";
import { readAway } from "../edge/read-away.ts";
import { RequestError } from "../errors.ts";
import { allowOrigins } from "../middleware/allow-origins.ts";
import { authenticate } from "../middleware/authenticate.ts";
import { bodyMsMaxOf, limitBody } from "../middleware/limit-body.ts";
import { logRequest } from "../middleware/log-request.ts";
import { renderError, renderNotFound } from "../middleware/render-error.ts";
import { requestId } from "../middleware/request-id.ts";
import { NO_TRAINER } from "../no-trainer.ts";
import type { ClassifierPort, Services } from "../services.ts";
import { forward } from "./forward.ts";
import { limitTenants } from "./limit-tenants.ts";
import { cacheLists, type ListCache } from "./list-cache.ts";
import { planCall } from "./plan-call.ts";
import { Servers } from "./servers.ts";
import type { GatewaySettings } from "./settings.ts";

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  readonly cache: ListCache;
  readonly log: Services["log"];
}

/** What is answered to all, without a server. */
const OPEN_PATHS = ["/", "/openapi.json", "/docs", "/docs/scalar.js", "/errors/:code", "/livez"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** Lists, which many read again and again. */
const LIST_PATHS = ["/v1/adapters", "/v1/adapters/:name/versions", "/v1/adapters/:name/aliases"];
/** What else the registry answers by itself: as it stands, never as it stood a while ago. */
const READ_PATHS = [
  "/v1/adapters/:name/versions/:version",
  "/v1/adapters/:name/versions/:version/report",
  "/v1/adapters/:name/history",
  "/v1/adapters/:name/retention",
  "/v1/usage",
  "/v1/audit",
];

export function createGateway({
  settings,
  cache,
  log,
}: GatewayOptions): (request: Request, context: ExecutionContext) => Promise<Response> {
  const store = new R2BindingStore(settings.bucket);
  const registry = createRegistry({ store, checkAdapter: parsePublishedAdapter });
  const servers = new Servers(settings.servers);
  const reads = createApp({
    registry,
    classifier: noClassifier,
    jobs: NO_TRAINER,
    backbone: NO_BACKBONE,
    log: silent,
  });
  const read = async (c: AppContext) => reads.fetch(forWorker(c.req.raw, c.get("requestId")));
  const app = new Hono<AppEnv>();

  app.use(requestId(() => crypto.randomUUID()));
  app.use(logRequest(log, Date.now));
  app.use(async (c, next) => {
    await next();
    if (!c.res.ok) await readAway(c.req.raw);
  });
  app.use(allowOrigins(settings.corsOrigins));
  reshapeDropIns(app);
  app.use(limitBody(bodyMsMaxOf));
  app.onError(renderError(log));
  app.notFound(renderNotFound());

  for (const path of OPEN_PATHS) app.get(path, read);
  const answered = ["/v1/*", ...DROP_IN_PATHS];
  for (const path of answered) {
    app.use(path, authenticate({ registry }));
    app.use(path, limitTenants(settings.rateLimiter));
  }
  for (const path of LIST_PATHS) app.get(path, cacheLists(cache, settings.listSeconds), read);
  for (const path of READ_PATHS) app.get(path, read);
  app.on(METHODS, answered, async (c) => forward(await planCall(c, settings.timeoutMs), { servers, log }));

  return (request, context) => {
    // Requests share what they read of the registry: one whose client leaves must not end it for the others.
    const answer = Promise.resolve(
      app.fetch(request, {}, { ...NO_CONTEXT, waitUntil: (work) => context.waitUntil(work) }),
    );
    context.waitUntil(answer);
    return answer;
  };
}

const silent = () => undefined;
const NO_CONTEXT = { passThroughOnException: silent, props: {} };
const NO_BACKBONE = { id: "none", digest: "none" };

/** No route that is read here classifies. */
const noClassifier: ClassifierPort = {
  classify: () =>
    Promise.reject(new RequestError("internal_error", "invariant: the gateway classifies nothing")),
  probe: async () => undefined,
};
