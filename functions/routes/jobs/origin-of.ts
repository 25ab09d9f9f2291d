// Which request asked for a job, so that its log lines and spans can be found with that.
import type { JobOrigin } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";

export function originOf(c: AppContext): JobOrigin {
  const { traceparent } = c.get("scope");
  return { requestId: c.get("requestId"), ...(traceparent !== undefined && { traceparent }) };
}
