// PUT /v1/adapters/:name/shadow: an alias that is asked beside production, for a share of requests; share 0 ends it.
import { z } from "zod";
import { parseAdapterName, parseAlias } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { shadowAnswerSchema } from "./get.ts";

export const shadowRequestSchema = z.strictObject({
  ...changeFields,
  alias: z.string().min(1).max(64),
  share: z.number().min(0).max(1).meta({ description: "Of requests; 0 ends it." }),
});

export const setShadowOperation: Operation = {
  ...{
    id: "setShadow",
    tag: "feedback",
    summary: "Asks an alias beside production, for a share of requests",
  },
  body: jsonBody(shadowRequestSchema),
  answers: { 200: jsonAnswer("It is set.", shadowAnswerSchema.pick({ name: true, shadow: true })) },
  errors: ["adapter_not_found", "alias_not_found", "invalid_name", "conflict", "limit_exceeded"],
};

export const setShadow =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/shadow">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { alias, share, ...change } = await readJson(c, shadowRequestSchema);
    const shadow = share === 0 ? undefined : { alias: parseAlias(alias), share };
    await registry.setShadow(c.get("tenant"), name, {
      ...change,
      shadow,
      actor: actorOf(c),
    });
    return c.json({ name, shadow: shadow ?? null });
  };
