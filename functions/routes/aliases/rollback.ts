// POST /v1/adapters/:name/aliases/:alias/rollback: moves an alias back, its bytes verified first. Without
// a body to where it pointed before; with "from" a request that is sent twice goes back once.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { forcedChangeFields, versionSchema } from "../../change-input.ts";
import { conditionHeaders, conditionOf } from "../../conditional.ts";
import { jsonBody, MOVE_ERRORS, type Operation } from "../../openapi/operation.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { aliasMoveAnswer } from "./set.ts";

const requestSchema = z.strictObject({
  ...forcedChangeFields,
  version: versionSchema.exactOptional(),
  from: versionSchema.exactOptional(),
});

export const rollbackAliasOperation: Operation = {
  ...{ id: "rollbackAlias", tag: "aliases", summary: "Moves an alias back to a version it pointed at" },
  headers: conditionHeaders,
  body: { ...jsonBody(requestSchema), isOptional: true },
  answers: { 200: aliasMoveAnswer },
  errors: [...MOVE_ERRORS, "alias_not_found", "no_earlier_version", "version_damaged"],
};

export const rollbackAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias/rollback">) => {
    const name = parseAdapterName(c.req.param("name"));
    const request = await readOptionalJson(c, requestSchema);
    const rollback = { ...request, alias: c.req.param("alias"), actor: actorOf(c), ...conditionOf(c) };
    return c.json({ name, ...(await registry.rollback(c.get("tenant"), name, rollback)) });
  };
