// GET /v1/adapters/:name/retention: which versions stay when garbage is collected; null: all.
import { parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import type { Services } from "../../services.ts";

export const getRetention =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/retention">) => {
    const name = parseAdapterName(c.req.param("name"));
    const retention = await registry.getRetention(c.get("tenant"), name);
    return c.json({ name, retention: retention ?? null });
  };
