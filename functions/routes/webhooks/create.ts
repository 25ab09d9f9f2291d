// POST /v1/webhooks: where the ends of the tenant's jobs are told. The answer has the secret that signs what is sent.
import { z } from "zod";
import { WEBHOOK_EVENTS } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { webhookSchema } from "./view.ts";

const requestSchema = z.strictObject({
  url: z.string().max(2_000),
  /** Default all. */
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1)
    .max(WEBHOOK_EVENTS.length)
    .default([...WEBHOOK_EVENTS]),
});

export const createWebhookOperation: Operation = {
  ...{ id: "createWebhook", tag: "webhooks", summary: "Be told of the ends of jobs" },
  body: jsonBody(requestSchema),
  answers: {
    201: jsonAnswer(
      "The webhook, and the secret of its signatures, which is answered here alone.",
      webhookSchema.extend({ secret: z.string() }).meta({ id: "CreatedWebhook" }),
      z.object({ location: z.string() }),
    ),
  },
  errors: ["unsupported_media_type", "webhook_url_refused", "webhook_limit", "jobs_unavailable"],
};

export const createWebhook = (services: Services) => async (c: AppContext) => {
  const { url, events } = await readJson(c, requestSchema);
  const webhook = { url, events: [...new Set(events)] };
  const created = await services.jobs.webhooks.create(c.get("tenant"), webhook);
  return c.json(created, 201, { Location: `/v1/webhooks/${created.id}` });
};
