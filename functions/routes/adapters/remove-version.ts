// DELETE /v1/adapters/:name/versions/:version?why: deletes a version that no alias points at.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeQuery } from "../../change-input.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { versionPathSchema } from "./version-path.ts";

const querySchema = changeQuery.pick({ why: true });

export const removeVersionOperation: Operation = {
  ...{ id: "deleteVersion", tag: "adapters", summary: "Deletes a version that no alias points at" },
  query: querySchema,
  answers: {
    200: jsonAnswer(
      "It is deleted, and can be restored for a while.",
      z.strictObject({ name: z.string(), version: z.int(), restorableUntil: z.iso.datetime() }),
    ),
  },
  errors: ["adapter_not_found", "version_not_found", "version_in_use", "conflict", "limit_exceeded"],
};

export const removeVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    const { why } = parseQuery(querySchema, c.req.query());
    const change = { version, actor: actorOf(c), ...(why !== undefined && { why }) };
    return c.json({ name, version, ...(await registry.deleteVersion(c.get("tenant"), name, change)) });
  };
