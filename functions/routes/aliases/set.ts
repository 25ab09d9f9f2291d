// PUT /v1/adapters/:name/aliases/:alias: points an alias at a version.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { forcedChangeFields, versionSchema } from "../../change-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject({
  ...forcedChangeFields,
  version: versionSchema,
  /** Move it only from here. */
  from: versionSchema.exactOptional(),
});

export const setAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias">) => {
    const name = parseAdapterName(c.req.param("name"));
    const request = await readJson(c, requestSchema);
    const move = { ...request, alias: c.req.param("alias"), actor: actorOf(c) };
    return c.json({ name, ...(await registry.setAlias(c.get("tenant"), name, move)) });
  };
