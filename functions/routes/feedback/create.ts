// POST /v1/adapters/:name/feedback: a text, or a pair, and the label that it should have been given. Kept until it is
// deleted; learned from by a retraining. The label is one that the version knows: another takes a dataset, with enough
// examples of it.
import { DEFAULT_ALIAS, parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { feedbackAnswerSchema, feedbackRequestSchema } from "./feedback.ts";

export const createFeedbackOperation: Operation = {
  ...{ id: "giveFeedback", tag: "feedback", summary: "Says what an adapter should have answered" },
  body: jsonBody(feedbackRequestSchema),
  answers: { 201: jsonAnswer("It is kept.", feedbackAnswerSchema) },
  errors: [
    ...(["adapter_not_found", "alias_not_found", "version_not_found", "conflict"] as const),
    ...(["limit_exceeded", "quota_exceeded", ...SIGNATURE_ERRORS] as const),
  ],
};

export const createFeedback =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/feedback">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version: asked, ...given } = await readJson(c, feedbackRequestSchema);
    const tenant = c.get("tenant");
    const reference = asked === undefined ? { name, alias: DEFAULT_ALIAS } : { name, version: asked };
    const { version, manifest } = await registry.resolve(tenant, reference);
    if (!manifest.labels.includes(given.label)) {
      throw new RequestError(
        "invalid_request",
        `label: version ${version} of ${name} has no such label. A new label takes a dataset with examples of it.`,
      );
    }
    const record = await registry.addFeedback(tenant, name, { ...given, version, actor: actorOf(c) });
    return c.json(record, 201);
  };
