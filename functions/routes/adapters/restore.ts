// POST /v1/adapters/:name/restore: brings a deleted adapter back as it was, its aliases included.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { changeFields } from "../../change-input.ts";
import { readOptionalJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";

const requestSchema = z.strictObject(changeFields);

export const restoreAdapter =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/restore">) => {
    const name = parseAdapterName(c.req.param("name"));
    const options = { ...(await readOptionalJson(c, requestSchema)), actor: actorOf(c) };
    await registry.restoreAdapter(c.get("tenant"), name, options);
    return c.json({ name });
  };
