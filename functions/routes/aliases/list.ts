// GET /v1/adapters/:name/aliases: where an adapter's aliases point, what protects them, where they were.
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import type { Services } from "../../services.ts";

export const listAliases =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/aliases">) => {
    const name = parseAdapterName(c.req.param("name"));
    return c.json({ aliases: await registry.listAliases(c.get("tenant"), name) });
  };
