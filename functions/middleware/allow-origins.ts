// Which web pages may call this API from a browser: those of the origins that the server was started with, and none
// without any. Keys go in a header that a page sets itself, so no cookies are let through.

import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "../app-env.ts";

const PREFLIGHT_SECONDS = 3_600;
const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"];
const REQUEST_HEADERS = [
  ...["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"],
  ...["Softgate-Timeout-Ms", "X-Request-Id", "traceparent"],
];
const ANSWER_HEADERS = [
  ...["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
  ...["Idempotent-Replayed", "Softgate-Adapter-Digest", "Content-Disposition"],
];

/** origins: "https://app.example.com", or "*" for all. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<AppEnv> {
  if (origins.length === 0) return (_, next) => next();
  return cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: METHODS,
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: ANSWER_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
}
