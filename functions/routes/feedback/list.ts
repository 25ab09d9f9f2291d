// GET /v1/adapters/:name/feedback?limit&after: what an adapter should have answered; by version, then by time, the
// newest first.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { pageFields, pageLimitSchema, pageOf } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { feedbackAnswerSchema } from "./feedback.ts";

const querySchema = z.object({
  limit: pageLimitSchema,
  /** The `next` of the page before. */
  after: z.string().min(1).max(64).exactOptional(),
});

export const listFeedbackOperation: Operation = {
  ...{ id: "listFeedback", tag: "feedback", summary: "What an adapter should have answered" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "A page of feedback: of the newest version first, of each the newest first.",
      z.strictObject({ feedback: z.array(feedbackAnswerSchema), ...pageFields }),
    ),
  },
  errors: ["adapter_not_found", "feedback_not_found"],
};

export const listFeedback =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/feedback">) => {
    const name = parseAdapterName(c.req.param("name"));
    const page = parseQuery(querySchema, c.req.query());
    return c.json(pageOf(await registry.listFeedback(c.get("tenant"), name, page)));
  };
