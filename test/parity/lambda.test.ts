// The function as behind its URL: each request becomes an event, and each result an answer, as AWS makes them.
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import { beforeEach, vi } from "vitest";
import { readLambdaEvent } from "../helpers/lambda-event.ts";
import { describeHost } from "./contract.ts";

/** Of a function URL. */
type UrlEvent = Extract<LambdaEvent, { rawPath: string; version: string }>;
type Handler = typeof import("../../functions/entry-lambda.ts")["handler"];

// CloudWatch's lines.
beforeEach(writeNothing);

describeHost("a Lambda function", async ({ folder, backboneFolder }) => {
  const storeUrl = `file:${join(folder, "store")}`;
  process.env.SOFTGATE_STORE = storeUrl;
  process.env.SOFTGATE_BACKBONE = backboneFolder;
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  process.env.SOFTGATE_ADAPTER_FOLDER = join(folder, "adapters");
  writeNothing();
  const { handler } = await import("../../functions/entry-lambda.ts");
  return {
    fetch: async (path, init) => invoke(handler, await eventOf(new Request(`https://function${path}`, init))),
    storeUrl,
    trains: false,
    // Lambda tells a function nothing of its end.
    stop: async () => undefined,
  };
});

function writeNothing(): void {
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
}

async function eventOf(request: Request): Promise<LambdaEvent> {
  const { method, headers } = request;
  const { pathname, search } = new URL(request.url);
  const event = (await readLambdaEvent("function-url", { key: "", body: "" })) as UrlEvent;
  const { requestContext } = event;
  return {
    ...event,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { "accept-encoding": "gzip", ...Object.fromEntries(headers) },
    requestContext: { ...requestContext, http: { ...requestContext.http, method, path: pathname } },
    body: Buffer.from(await request.arrayBuffer()).toString("base64"),
    isBase64Encoded: true,
  };
}

async function invoke(handler: Handler, event: LambdaEvent): Promise<Response> {
  const result = await handler(event, {} as LambdaContext); // Nothing of it is read.
  const sent = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  const headers = new Headers(result.headers as Record<string, string>);
  // As every client undoes it.
  const body = headers.get("content-encoding") === "gzip" ? gunzipSync(sent) : sent;
  headers.delete("content-encoding");
  return new Response(new Uint8Array(body), { status: result.statusCode, headers });
}
