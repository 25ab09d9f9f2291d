// GET /errors/:code: what an error's code means and what to do. The `type` of every problem document leads here. What is
// said is docs/errors.md's: errors.json is made of it by the test beside, so that it goes wherever this code goes.
import { html } from "hono/html";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { FILE, type Operation } from "../../openapi/operation.ts";
import errors from "./errors.json" with { type: "json" };

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

export const getErrorOperation: Operation = {
  ...{ id: "getError", tag: "server", summary: "What an error's code means, and what to do", isOpen: true },
  answers: { 200: { description: "For people.", content: { "text/html": FILE } } },
  errors: ["route_not_found"],
};

const rows: ReadonlyMap<string, ErrorRow> = new Map(Object.entries(errors));

export const getError = () => (c: AppContext<"/errors/:code">) => {
  const code = c.req.param("code");
  const row = rows.get(code);
  if (!row) throw new RequestError("route_not_found", "There is no error of this code.");
  c.header("Content-Security-Policy", PAGE_POLICY);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Cache-Control", "public, max-age=3600");
  return c.html(html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${code} – Softgate</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
</head>
<body>
<h1>${code}</h1>
<p>HTTP status ${row.status}</p>
<h2>What it means</h2>
<p>${row.meaning}</p>
<h2>What to do</h2>
<p>${row.remedy}</p>
</body>
</html>
`);
};

interface ErrorRow {
  readonly status: string;
  readonly meaning: string;
  readonly remedy: string;
}
