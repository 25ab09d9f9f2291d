// GET /v1/adapters/:name/versions/:version/report: what the training of a version says of itself, as JSON or, where
// Accept prefers it, as a page of HTML. A version never changes, so neither does its report.
import { accepts } from "hono/accepts";
import { z } from "zod";
import { digestSchema, parseAdapterName, type ResolvedAdapter } from "#registry";
import { parseReport, REPORT_PAGE_POLICY, renderReportPage, reportSchema } from "#trainer/report";
import type { AppContext } from "../../app-env.ts";
import { FILE, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { versionPathSchema } from "./version-path.ts";

const JSON_TYPE = "application/json";
const HTML_TYPE = "text/html";

const reportPageSchema = z
  .strictObject({
    ...{ name: z.string(), version: z.int(), digest: digestSchema, createdAt: z.iso.datetime() },
    backbone: z.string(),
    report: reportSchema,
  })
  .meta({ id: "Report" });

export const getReportOperation: Operation = {
  ...{ id: "getReport", tag: "adapters", summary: "What a version's training says of itself" },
  answers: {
    200: {
      description: "As JSON or, where Accept prefers it, as a page.",
      content: { [JSON_TYPE]: reportPageSchema, [HTML_TYPE]: FILE },
    },
  },
  errors: ["adapter_not_found", "version_not_found", "report_not_found", ...SIGNATURE_ERRORS],
};

export const getReport =
  (services: Services) => async (c: AppContext<"/v1/adapters/:name/versions/:version/report">) => {
    const name = parseAdapterName(c.req.param("name"));
    const { version } = parseQuery(versionPathSchema, { version: c.req.param("version") });
    const resolved = await services.registry.resolve(c.get("tenant"), { name, version });
    const type = accepts(c, { header: "Accept", supports: [JSON_TYPE, HTML_TYPE], default: JSON_TYPE });
    const page = pageOf(resolved);
    c.header("Vary", "Accept");
    // Of this tenant alone: no shared cache may keep it.
    c.header("Cache-Control", "private, max-age=3600");
    c.header("X-Content-Type-Options", "nosniff");
    if (type === JSON_TYPE) return c.json(page);
    c.header("Content-Security-Policy", REPORT_PAGE_POLICY);
    return c.html(renderReportPage(page));
  };

/** Throws TrainerError report_not_found. */
function pageOf({ name, version, digest, manifest }: ResolvedAdapter) {
  const { createdAt, backbone } = manifest;
  return {
    ...{ name, version, digest, createdAt, backbone: backbone.id },
    report: parseReport(manifest.report),
  };
}
