// PUT /v1/adapters/:name/retention: which versions stay when garbage is collected; null: all.
import { z } from "zod";
import { parseAdapterName, retentionSchema } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject({ ...changeFields, retention: retentionSchema.nullable() });

export const setRetention =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/retention">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { retention, ...request } = await readJson(c, requestSchema);
    const change = { ...request, retention: retention ?? undefined, actor: actorOf(c) };
    await registry.setRetention(c.get("tenant"), name, change);
    return c.json({ name, retention });
  };
