// An error that is our fault, told to the log with its cause; one that is the caller's is not.
import { routePath } from "hono/route";
import type { AppContext } from "./app-env.ts";
import { codeOf } from "./problem.ts";
import type { Services } from "./services.ts";
import { statusByCode } from "./status-by-code.ts";

export function logFault(log: Services["log"], c: AppContext, error: unknown): void {
  const code = codeOf(error);
  if (statusByCode[code] < 500) return;
  log({
    event: "error",
    requestId: c.get("requestId"),
    traceId: c.get("scope")?.traceId,
    tenant: c.get("tenant"),
    route: routePath(c, -1),
    code,
    ...internalsOf(error),
  });
}

function internalsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause instanceof Error ? error.cause.stack : error.cause;
  return { error: error.stack ?? error.message, ...(cause !== undefined && { cause: String(cause) }) };
}
