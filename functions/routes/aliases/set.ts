// PUT /v1/adapters/:name/aliases/:alias: points an alias at a version.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { forcedChangeFields, versionSchema } from "../../change-input.ts";
import { conditionHeaders, conditionOf } from "../../conditional.ts";
import { jsonAnswer, jsonBody, MOVE_ERRORS, type Operation } from "../../openapi/operation.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject({
  ...forcedChangeFields,
  version: versionSchema,
  /** Move it only from here. */
  from: versionSchema.exactOptional(),
});

/** from: where it pointed before; absent for a new alias, and the version itself where nothing moved. */
export const aliasMoveAnswer = jsonAnswer(
  "Where it points.",
  z
    .strictObject({ name: z.string(), alias: z.string(), version: z.int(), from: z.int().exactOptional() })
    .meta({ id: "AliasMove" }),
);

export const setAliasOperation: Operation = {
  ...{ id: "setAlias", tag: "aliases", summary: "Points an alias at a version" },
  headers: conditionHeaders,
  body: jsonBody(requestSchema),
  answers: { 200: aliasMoveAnswer },
  errors: MOVE_ERRORS,
};

export const setAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias">) => {
    const name = parseAdapterName(c.req.param("name"));
    const request = await readJson(c, requestSchema);
    const move = { ...request, alias: c.req.param("alias"), actor: actorOf(c), ...conditionOf(c) };
    return c.json({ name, ...(await registry.setAlias(c.get("tenant"), name, move)) });
  };
