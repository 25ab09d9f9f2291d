// DELETE /v1/adapters/:name/versions/:version?why: deletes a version that no alias points at.
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeQuery } from "../../change-input.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { versionPathSchema } from "./version-path.ts";

export const removeVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    const { why } = parseQuery(changeQuery.pick({ why: true }), c.req.query());
    const change = { version, actor: actorOf(c), ...(why !== undefined && { why }) };
    return c.json({ name, version, ...(await registry.deleteVersion(c.get("tenant"), name, change)) });
  };
