// GET /v1/webhooks: the tenant's webhooks, without their secrets. They are few: one page has them all.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields } from "../../page.ts";
import type { Services } from "../../services.ts";
import { webhookSchema } from "./view.ts";

export const listWebhooksOperation: Operation = {
  ...{ id: "listWebhooks", tag: "webhooks", summary: "The tenant's webhooks" },
  answers: {
    200: jsonAnswer(
      "All of them, the oldest first.",
      z.strictObject({ webhooks: z.array(webhookSchema), ...pageFields }),
    ),
  },
  errors: ["jobs_unavailable"],
};

export const listWebhooks = (services: Services) => async (c: AppContext) =>
  c.json({ webhooks: await services.jobs.webhooks.list(c.get("tenant")), has_more: false });
