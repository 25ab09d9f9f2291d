// DELETE /v1/adapters/:name?why&force: deletes an adapter, to be restored within the window or never.
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeQuery } from "../../change-input.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";

export const removeAdapter =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name">) => {
    const name = parseAdapterName(c.req.param("name"));
    const options = { ...parseQuery(changeQuery, c.req.query()), actor: actorOf(c) };
    return c.json({ name, ...(await registry.deleteAdapter(c.get("tenant"), name, options)) });
  };
