// DELETE /v1/adapters/:name?why&force: deletes an adapter, to be restored within the window or never.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeQuery } from "../../change-input.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

export const removeAdapterOperation: Operation = {
  ...{ id: "deleteAdapter", tag: "adapters", summary: "Deletes an adapter; it can be restored for a while" },
  query: changeQuery,
  answers: {
    200: jsonAnswer(
      "It is deleted.",
      z.strictObject({ name: z.string(), restorableUntil: z.iso.datetime() }),
    ),
  },
  errors: ["adapter_not_found", "alias_protected", "conflict", "limit_exceeded"],
};

export const removeAdapter =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name">) => {
    const name = parseAdapterName(c.req.param("name"));
    const options = { ...parseQuery(changeQuery, c.req.query()), actor: actorOf(c) };
    return c.json({ name, ...(await registry.deleteAdapter(c.get("tenant"), name, options)) });
  };
