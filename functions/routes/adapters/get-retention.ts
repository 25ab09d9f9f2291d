// GET /v1/adapters/:name/retention: which versions stay when garbage is collected; null: all.
import { z } from "zod";
import { parseAdapterName, retentionSchema } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";

export const retentionAnswer = jsonAnswer(
  "null: all versions stay.",
  z.strictObject({ name: z.string(), retention: retentionSchema.nullable() }).meta({ id: "Retention" }),
);

export const getRetentionOperation: Operation = {
  ...{ id: "getRetention", tag: "adapters", summary: "Which versions stay when garbage is collected" },
  answers: { 200: { ...retentionAnswer, headers: z.object({ etag: z.string() }) } },
  errors: ["adapter_not_found"],
};

export const getRetention =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/retention">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { retention, revision } = await registry.getRetention(c.get("tenant"), name);
    c.header("ETag", `"${revision}"`);
    return c.json({ name, retention: retention ?? null });
  };
