// GET /docs: the API's reference, a page that Scalar draws from /openapi.json in the browser. Nothing of it comes from
// another host, and its policy lets nothing be sent to one.
import type { AppContext } from "../../app-env.ts";
import { FILE, type Operation } from "../../openapi/operation.ts";

export const docsOperation: Operation = {
  ...{ id: "docs", tag: "server", summary: "This reference as a page", isOpen: true },
  answers: { 200: { description: "For people.", content: { "text/html": FILE } } },
};

export const docsScriptOperation: Operation = {
  ...{ id: "docsScript", tag: "server", summary: "What draws the reference", isOpen: true },
  answers: { 200: { description: "A script.", content: { "text/javascript": FILE } } },
};

/** Scalar styles its elements in place; scripts are only the one that this server has. */
const PAGE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'"],
  ...["img-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

/** Nothing of other hosts: no fonts, no telemetry, no assistant, no client that needs a proxy. */
const CONFIGURATION = {
  ...{ withDefaultFonts: false, telemetry: false, hideClientButton: true, showDeveloperTools: "never" },
  ...{ agent: { disabled: true }, mcp: { disabled: true } },
  defaultOpenAllTags: false,
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Softgate API</title>
</head>
<body>
<script id="api-reference" data-url="/openapi.json" data-configuration="${attributeOf(CONFIGURATION)}"></script>
<script src="/docs/scalar.js"></script>
</body>
</html>
`;

export const docs = () => (c: AppContext) => {
  c.header("Content-Security-Policy", PAGE_POLICY);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  c.header("Cache-Control", "public, max-age=300");
  return c.html(PAGE);
};

export function docsScript() {
  let script: Promise<string> | undefined;
  return async (c: AppContext) => {
    script ??= readScalarScript();
    c.header("Content-Type", "text/javascript; charset=utf-8");
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Cache-Control", "public, max-age=3600");
    return c.body(await script);
  };
}

function attributeOf(value: unknown): string {
  return JSON.stringify(value).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
}

/**
 * Scalar's script for browsers. The package that has it as a file needs 280 MB of others; its plugin for Fastify
 * carries the same script and serves it by a route, which is all that is taken of it.
 */
async function readScalarScript(): Promise<string> {
  const { default: plugin } = await import("@scalar/fastify-api-reference");
  const routes: ScalarRoute[] = [];
  const host = {
    hasPlugin: () => false,
    initialConfig: {},
    route: (route: ScalarRoute) => routes.push(route),
  };
  await new Promise<void>((resolve) => {
    const mount: unknown = plugin;
    if (!isMount(mount)) throw new Error("invariant: Scalar's plugin is a function");
    mount(host, { routePrefix: "/docs", configuration: { url: "/openapi.json" } }, resolve);
  });
  const route = routes.find(({ url }) => url.endsWith(".js"));
  let script: unknown;
  const reply = {
    header: () => reply,
    send: (body: unknown) => {
      script = body;
    },
  };
  route?.handler({}, reply);
  if (typeof script !== "string") throw new Error("invariant: Scalar's plugin serves a script");
  return script;
}

interface ScalarRoute {
  readonly url: string;
  handler(request: unknown, reply: unknown): void;
}

type Mount = (host: unknown, options: unknown, done: () => void) => void;

function isMount(value: unknown): value is Mount {
  return typeof value === "function";
}
