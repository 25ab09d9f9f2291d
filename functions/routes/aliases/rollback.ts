// POST /v1/adapters/:name/aliases/:alias/rollback: moves an alias back, its bytes verified first. Without
// a body to where it pointed before; with "from" a request that is sent twice goes back once.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { forcedChangeFields, versionSchema } from "../../change-input.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject({
  ...forcedChangeFields,
  version: versionSchema.exactOptional(),
  from: versionSchema.exactOptional(),
});

export const rollbackAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias/rollback">) => {
    const name = parseAdapterName(c.req.param("name"));
    const request = await readOptionalJson(c, requestSchema);
    const rollback = { ...request, alias: c.req.param("alias"), actor: actorOf(c) };
    return c.json({ name, ...(await registry.rollback(c.get("tenant"), name, rollback)) });
  };
