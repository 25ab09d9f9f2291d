// Where every thrown error ends: logged when the fault is ours, answered as a problem document.
import type { ErrorHandler, NotFoundHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { problemResponse } from "../problem.ts";
import type { Services } from "../services.ts";

export function renderError(log: Services["log"]): ErrorHandler<AppEnv> {
  return (error, c) => {
    const response = problemResponse(c, error);
    if (response.status >= 500) {
      log({
        event: "error",
        requestId: c.get("requestId"),
        traceId: c.get("scope")?.traceId,
        tenant: c.get("tenant"),
        route: routePath(c, -1),
        code: c.get("errorCode"),
        ...internalsOf(error),
      });
    }
    return response;
  };
}

export function renderNotFound(): NotFoundHandler<AppEnv> {
  return (c) =>
    problemResponse(c, new RequestError("route_not_found", "There is nothing at this path; see GET /."));
}

function internalsOf(error: Error): Record<string, unknown> {
  const cause = error.cause instanceof Error ? error.cause.stack : error.cause;
  return { error: error.stack ?? error.message, ...(cause !== undefined && { cause: String(cause) }) };
}
