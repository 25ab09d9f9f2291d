// DELETE /v1/keys/:id: ends a key of the tenant, also the one that the request came with. Twice is once.
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import type { Services } from "../../services.ts";
import { viewOfKey } from "./view.ts";

export const revokeKey =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/keys/:id">) => {
    const options = { tenant: c.get("tenant"), actor: actorOf(c) };
    return c.json(viewOfKey(await registry.revokeKey(c.req.param("id"), options)));
  };
