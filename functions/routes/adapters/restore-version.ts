// POST /v1/adapters/:name/versions/:version/restore: brings a deleted version back.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { jsonAnswer, jsonBody, type Operation } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { versionPathSchema } from "./version-path.ts";

const requestSchema = z.strictObject(changeFields);

export const restoreVersionOperation: Operation = {
  ...{ id: "restoreVersion", tag: "adapters", summary: "Brings a deleted version back" },
  body: { ...jsonBody(requestSchema), isOptional: true },
  answers: { 200: jsonAnswer("It is back.", z.strictObject({ name: z.string(), version: z.int() })) },
  errors: ["adapter_not_found", "version_not_found", "quota_exceeded", "conflict", "limit_exceeded"],
};

export const restoreVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version/restore">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    const options = await readOptionalJson(c, requestSchema);
    await registry.restoreVersion(c.get("tenant"), name, { ...options, version, actor: actorOf(c) });
    return c.json({ name, version });
  };
