// GET /v1/adapters/:name/versions/:version/export?format=softgate: a version as a package, for another tenant or
// server to import. ONNX is for the command line: it takes a backbone's weights, and a server has given them away.
import { z } from "zod";
import { parseAdapterName } from "#registry";
import packageJson from "../../../package.json" with { type: "json" };
import type { AppContext } from "../../app-env.ts";
import { wholeNumberSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { zipPackage } from "./package-archive.ts";

const pathSchema = z.object({ version: wholeNumberSchema.pipe(z.int().min(1)) });
const querySchema = z.object({ format: z.literal("softgate").default("softgate") });

export const exportVersion =
  ({ registry }: Services) =>
  async (c: AppContext<"/v1/adapters/:name/versions/:version/export">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(pathSchema, { version: c.req.param("version") });
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
