// PUT /v1/adapters/:name/retention: which versions stay when garbage is collected; null: all.
import { z } from "zod";
import { parseAdapterName, retentionSchema } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { conditionHeaders, conditionOf } from "../../conditional.ts";
import { jsonBody, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { retentionAnswer } from "./get-retention.ts";

const requestSchema = z.strictObject({ ...changeFields, retention: retentionSchema.nullable() });

export const setRetentionOperation: Operation = {
  ...{ id: "setRetention", tag: "adapters", summary: "Says which versions stay; null: all" },
  headers: conditionHeaders,
  body: jsonBody(requestSchema),
  answers: { 200: retentionAnswer },
  errors: ["adapter_not_found", "revision_changed", "conflict", "limit_exceeded"],
};

export const setRetention =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/retention">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { retention, ...request } = await readJson(c, requestSchema);
    const change = { ...request, retention: retention ?? undefined, actor: actorOf(c), ...conditionOf(c) };
    await registry.setRetention(c.get("tenant"), name, change);
    return c.json({ name, retention });
  };
