// POST /v1/adapters/:name/restore: brings a deleted adapter back as it was, its aliases included.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject(changeFields);

export const restoreAdapterOperation: Operation = {
  ...{ id: "restoreAdapter", tag: "adapters", summary: "Brings a deleted adapter back, aliases included" },
  body: { ...jsonBody(requestSchema), isOptional: true },
  answers: { 200: jsonAnswer("It is back.", z.strictObject({ name: z.string() })) },
  errors: ["adapter_not_found", "quota_exceeded", "conflict", "limit_exceeded"],
};

export const restoreAdapter =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/restore">) => {
    const name = parseAdapterName(c.req.param("name"));
    const options = { ...(await readOptionalJson(c, requestSchema)), actor: actorOf(c) };
    await registry.restoreAdapter(c.get("tenant"), name, options);
    return c.json({ name });
  };
