// GET /v1/usage: what the tenant has of what it may have.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";

const amountSchema = z.strictObject({ used: z.int(), limit: z.int() });
/** Absent where there is no limit. */
const rateSchema = z.strictObject({ limit: z.int() });

export const getUsageOperation: Operation = {
  ...{ id: "getUsage", tag: "tenant", summary: "What the tenant has of what it may have" },
  answers: {
    200: jsonAnswer(
      "Of adapters and versions, those that are not deleted; bytes are those of datasets and adapters' files. Rates are of each server.",
      z
        .strictObject({
          adapters: amountSchema,
          versionsPerAdapter: z.strictObject({ limit: z.int() }),
          bytes: amountSchema,
          requestsPerMinute: rateSchema.exactOptional(),
          textsPerMinute: rateSchema.exactOptional(),
        })
        .meta({ id: "Usage" }),
    ),
  },
};

export const getUsage =
  ({ registry }: Services) =>
  async (c: AppContext) =>
    c.json(await registry.getUsage(c.get("tenant")));
