// DELETE /v1/webhooks/:id: nothing more is told there, what waits to be sent included.
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import type { Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";

export const removeWebhookOperation: Operation = {
  ...{ id: "removeWebhook", tag: "webhooks", summary: "Be told no more" },
  answers: { 204: { description: "It is removed." } },
  errors: ["webhook_not_found", "jobs_unavailable"],
};

export const removeWebhook = (services: Services) => async (c: AppContext<"/v1/webhooks/:id">) => {
  const isRemoved = await services.jobs.webhooks.remove(c.get("tenant"), c.req.param("id"));
  if (!isRemoved) throw new RequestError("webhook_not_found", "There is no webhook of this id.");
  return c.body(null, 204);
};
