// What of a webhook a caller sees; its secret is answered once, when it is made.
import { z } from "zod";
import { WEBHOOK_EVENTS } from "#trainer/job";

export const webhookSchema = z
  .strictObject({
    id: z.string(),
    url: z.string(),
    events: z.array(z.enum(WEBHOOK_EVENTS)),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "Webhook" });
