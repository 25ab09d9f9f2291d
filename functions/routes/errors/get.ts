// GET /errors/:code: what an error's code means and what to do, as docs/errors.md says it. The `type` of every problem
// document leads here.

import { html } from "hono/html";
import { readErrorsPage } from "#functions/errors-page";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { FILE, type Operation } from "../../openapi/operation.ts";

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
/** code | HTTP status | exit code, but for the gateway | what it means | what to do */
const ROW = /^\| `(\w+)` \| (\S+) \|(?: \S+ \|)? (.*) \| (.*) \|$/gm;

export const getErrorOperation: Operation = {
  ...{ id: "getError", tag: "server", summary: "What an error's code means, and what to do", isOpen: true },
  answers: { 200: { description: "For people.", content: { "text/html": FILE } } },
  errors: ["route_not_found"],
};

export function getError() {
  let rows: Promise<ReadonlyMap<string, ErrorRow>> | undefined;
  return async (c: AppContext<"/errors/:code">) => {
    rows ??= readRows();
    const code = c.req.param("code");
    const row = (await rows).get(code);
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
}

interface ErrorRow {
  readonly status: string;
  readonly meaning: string;
  readonly remedy: string;
}

async function readRows(): Promise<ReadonlyMap<string, ErrorRow>> {
  const text = await readErrorsPage();
  const rows = [...text.matchAll(ROW)].map(
    ([, code = "", status = "", meaning = "", remedy = ""]) =>
      [code, { status, meaning: plain(meaning), remedy: plain(remedy) }] as const,
  );
  // What happens on the command line alone has no status.
  return new Map(rows.filter(([, { status }]) => status !== "–"));
}

/** Markdown as words: links by their text, without the marks of code. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}
