// GET /v1/adapters/:name/versions/:version/export?format=softgate: a version as a package, for another tenant or
// server to import. ONNX is for the command line: it takes a backbone's weights, and a server has given them away.
import { z } from "zod";
import { digestSchema, parseAdapterName } from "#registry";
import packageJson from "../../../package.json" with { type: "json" };
import type { AppContext } from "../../app-env.ts";
import { FILE, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { zipPackage } from "./package-archive.ts";
import { versionPathSchema } from "./version-path.ts";

const querySchema = z.object({ format: z.literal("softgate").default("softgate") });

export const exportVersionOperation: Operation = {
  ...{ id: "exportVersion", tag: "adapters", summary: "A version as a package, to be imported elsewhere" },
  query: querySchema,
  answers: {
    200: {
      description: "A zip archive. The digest is its manifest's.",
      content: { "application/zip": FILE },
      headers: z.object({ "softgate-adapter-digest": digestSchema, "content-disposition": z.string() }),
    },
  },
  errors: ["adapter_not_found", "version_not_found", ...SIGNATURE_ERRORS],
};

export const exportVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version/export">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    parseQuery(querySchema, c.req.query());
    const tenant = c.get("tenant");
    const resolved = await registry.resolve(tenant, { name, version });
    const files = await registry.readPackage(tenant, { resolved, softgateVersion: packageJson.version });
    c.header("Content-Type", "application/zip");
    c.header("Content-Disposition", `attachment; filename="${name}-${version}.zip"`);
    c.header("Softgate-Adapter-Digest", resolved.digest);
    c.header("Cache-Control", "private, no-store");
    return c.body(zipPackage(files));
  };
