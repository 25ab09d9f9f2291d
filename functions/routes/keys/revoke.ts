// DELETE /v1/keys/:id: ends a key of the tenant, also the one that the request came with. Twice is once.
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import type { Services } from "../../services.ts";
import { keyViewSchema } from "./view.ts";

export const revokeKeyOperation: Operation = {
  ...{ id: "revokeKey", tag: "keys", summary: "End a key" },
  answers: { 200: jsonAnswer("The key, which has ended.", keyViewSchema) },
  errors: ["invalid_key", "conflict"],
};

export const revokeKey =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/keys/:id">) => {
    const options = { tenant: c.get("tenant"), actor: actorOf(c) };
    return c.json(await registry.revokeKey(c.req.param("id"), options));
  };
