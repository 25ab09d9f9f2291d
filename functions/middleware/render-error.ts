// Where every thrown error ends: logged when the fault is ours, answered as a problem document.
import type { ErrorHandler, NotFoundHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { logFault } from "../log-fault.ts";
import { problemResponse } from "../problem.ts";
import type { Services } from "../services.ts";

export function renderError(log: Services["log"]): ErrorHandler<AppEnv> {
  return (error, c) => {
    logFault(log, c, error);
    return problemResponse(c, error);
  };
}

export function renderNotFound(): NotFoundHandler<AppEnv> {
  return (c) =>
    problemResponse(c, new RequestError("route_not_found", "There is nothing at this path; see GET /."));
}
