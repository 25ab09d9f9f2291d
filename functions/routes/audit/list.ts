// GET /v1/audit?limit&after&since&until: what was changed of the tenant's, by whom and why, newest first.
import { z } from "zod";
import { auditEntrySchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

const timeSchema = z.iso
  .datetime({ offset: true })
  .transform((value) => new Date(value))
  .exactOptional();

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z
    .string()
    .regex(/^\d{13}-[0-9a-f]{32}$/, "must be the next of a page before")
    .exactOptional(),
  since: timeSchema,
  until: timeSchema,
});

export const listAuditOperation: Operation = {
  ...{ id: "listAudit", tag: "tenant", summary: "What was changed of the tenant's, newest first" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of changes.",
      z.strictObject({ entries: z.array(auditEntrySchema.meta({ id: "AuditEntry" })), ...pageFields }),
    ),
  },
};

export const listAudit =
  ({ registry }: Services) =>
  async (c: AppContext) => {
    const page = parseQuery(querySchema, c.req.query());
    return c.json(pageOf(await registry.listAudit(c.get("tenant"), page)));
  };
