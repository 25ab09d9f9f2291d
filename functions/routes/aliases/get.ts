// GET /v1/adapters/:name/aliases/:alias: where one alias points, and what protects it. Its ETag is what a change of it
// can be bound to.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";
import { aliasSchema } from "./list.ts";

export const getAliasOperation: Operation = {
  ...{ id: "getAlias", tag: "aliases", summary: "Where an alias points, and what protects it" },
  answers: { 200: jsonAnswer("The alias.", aliasSchema, z.object({ etag: z.string() })) },
  errors: ["adapter_not_found", "alias_not_found"],
};

export const getAlias =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases/:alias">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { revision, ...alias } = await registry.getAlias(c.get("tenant"), name, c.req.param("alias"));
    c.header("ETag", `"${revision}"`);
    return c.json(alias);
  };
