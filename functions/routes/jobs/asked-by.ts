// Who asks for a job, and in which request: for history and audit, and so that its log lines and spans can be found
// with that; and what makes it the same job when that request is done again.
import type { JobRequest } from "#trainer/job";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";

export function askedBy(c: AppContext): Pick<JobRequest, "submittedBy" | "origin" | "idempotencyKey"> {
  const { traceparent } = c.get("scope");
  const onceId = c.get("onceId");
  return {
    submittedBy: actorOf(c),
    origin: { requestId: c.get("requestId"), ...(traceparent !== undefined && { traceparent }) },
    ...(onceId !== undefined && { idempotencyKey: onceId }),
  };
}
