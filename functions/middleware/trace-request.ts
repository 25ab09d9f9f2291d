// The request's span: begun before its key is looked at, in the caller's trace where it names one. Named by
// the route's pattern, never by the path.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "../app-env.ts";
import { Scope, type Timings, type Tracer } from "../scope.ts";

export function traceRequest(tracer: Tracer, timings: Timings): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const span = tracer.startRequest(c.req.header("traceparent"));
    const scope = new Scope(span, timings);
    c.set("scope", scope);
    await next();
    const [route, { status }] = [routePath(c, -1), c.res];
    const tenant = c.get("tenant");
    span.set({
      "http.request.method": c.req.method,
      "http.route": route,
      "http.response.status_code": status,
    });
    scope.note({ request_id: c.get("requestId"), ...(tenant !== undefined && { tenant }) });
    const name = `${c.req.method} ${route}`;
    span.end({ name, ...(status >= 500 && { errorCode: c.get("errorCode") ?? "internal_error" }) });
  };
}
