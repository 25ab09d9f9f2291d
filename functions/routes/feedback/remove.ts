// DELETE /v1/adapters/:name/feedback/:id: a retraining learns nothing from it any more; versions that did, did.
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import type { Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";

export const removeFeedbackOperation: Operation = {
  ...{ id: "removeFeedback", tag: "feedback", summary: "Forgets an example of feedback" },
  answers: { 204: { description: "It is removed." } },
  errors: ["adapter_not_found", "feedback_not_found", "conflict"],
};

export const removeFeedback =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/feedback/:id">) => {
    const name = parseAdapterName(c.req.param("name"));
    await registry.deleteFeedback(c.get("tenant"), name, { id: c.req.param("id"), actor: actorOf(c) });
    return c.body(null, 204);
  };
