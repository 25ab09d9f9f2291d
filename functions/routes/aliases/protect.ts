// PUT /v1/adapters/:name/aliases/:alias/protection: protects an alias, by a rule or from every move
// without force, or ends its protection.
import { z } from "zod";
import { parseAdapterName, promotionRuleSchema } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { conditionHeaders, conditionOf } from "../../conditional.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.discriminatedUnion("protected", [
  z.strictObject({
    ...changeFields,
    protected: z.literal(true),
    rule: promotionRuleSchema.exactOptional(),
  }),
  z.strictObject({ ...changeFields, protected: z.literal(false) }),
]);

export const protectAliasOperation: Operation = {
  ...{ id: "protectAlias", tag: "aliases", summary: "Holds an alias to a rule, or ends its protection" },
  headers: conditionHeaders,
  body: jsonBody(requestSchema),
  answers: {
    200: jsonAnswer(
      "What holds it.",
      z.strictObject({
        ...{ name: z.string(), alias: z.string(), protected: z.boolean() },
        rule: promotionRuleSchema.exactOptional(),
      }),
    ),
  },
  errors: [
    "adapter_not_found",
    "alias_not_found",
    "dataset_not_found",
    "limit_exceeded",
    "revision_changed",
    "conflict",
  ],
};

export const protectAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias/protection">) => {
    const name = parseAdapterName(c.req.param("name"));
    const request = await readJson(c, requestSchema);
    const { why: _, ...protection } = request;
    const alias = c.req.param("alias");
    await registry.protectAlias(c.get("tenant"), name, {
      ...request,
      alias,
      actor: actorOf(c),
      ...conditionOf(c),
    });
    return c.json({ name, alias, ...protection });
  };
