// GET /v1/adapters/:name/versions/:version: what the manifest of a version says, but for its report, which has a
// route of its own. A version never changes, so neither does this.
import { digestSchema, manifestSchema, parseAdapterName } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { versionPathSchema } from "./version-path.ts";

export const getVersionOperation: Operation = {
  ...{ id: "getVersion", tag: "adapters", summary: "What a version's manifest says" },
  answers: {
    200: jsonAnswer(
      "The manifest but for its report, and its digest.",
      manifestSchema
        .omit({ mediaType: true, report: true })
        .extend({ digest: digestSchema })
        .meta({ id: "Version" }),
    ),
  },
  errors: ["adapter_not_found", "version_not_found", ...SIGNATURE_ERRORS],
};

export const getVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    const { digest, manifest } = await registry.resolve(c.get("tenant"), { name, version });
    const { mediaType, report, ...told } = manifest;
    // Of this tenant alone: no shared cache may keep it.
    c.header("Cache-Control", "private, max-age=3600");
    return c.json({ ...told, digest });
  };
