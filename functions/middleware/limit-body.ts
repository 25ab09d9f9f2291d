// Sets how large a request's body may be and how long it may take to come, and refuses at once a declared length
// above it. Bodies that declare none are counted by read-body.ts while they stream; it keeps the time, too.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { isLineByLine } from "../media-type.ts";

export const JSON_BODY_BYTES_MAX = 1024 * 1024;
/** Less than a dataset may have: a server holds several uploads at once, each more than once. */
export const UPLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** The weights of an adapter at their largest, its other files, and what an archive adds. */
export const PACKAGE_BYTES_MAX = 36 * 1024 * 1024;

/** Slower than this a body is cut off: a connection that sends a byte now and then must not hold its place. */
export const BODY_BYTES_PER_SECOND_MIN = 64 * 1024;
/** However small a body is. */
export const BODY_MS_MIN = 20_000;

const bodyBytesMaxByPath: readonly (readonly [RegExp, number])[] = [
  [/^\/v1\/datasets$/, UPLOAD_BYTES_MAX],
  [/^\/v1\/adapters\/[^/]+\/import$/, PACKAGE_BYTES_MAX],
];

/** `most`: bytes of any path, on hosts with little memory. */
export function limitBody(
  msMaxOf: (bodyBytesMax: number) => number,
  most = Number.POSITIVE_INFINITY,
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const isOpenEnded = isLineByLine(c.req.path, c.req.header("content-type"));
    const bodyBytesMax = isOpenEnded ? Number.POSITIVE_INFINITY : Math.min(bodyBytesMaxOf(c.req.path), most);
    if (Number(c.req.header("content-length") ?? 0) > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    c.set("bodyBytesMax", bodyBytesMax);
    c.set("bodyMsMax", msMaxOf(bodyBytesMax));
    await next();
  };
}

function bodyBytesMaxOf(path: string): number {
  return bodyBytesMaxByPath.find(([pattern]) => pattern.test(path))?.[1] ?? JSON_BODY_BYTES_MAX;
}

/** How long a body of so many bytes at most may take. */
export function bodyMsMaxOf(bodyBytesMax: number): number {
  return BODY_MS_MIN + (bodyBytesMax / BODY_BYTES_PER_SECOND_MIN) * 1_000;
}

export function bodyTooLarge(bodyBytesMax: number): RequestError {
  const mebibytes = bodyBytesMax / (1024 * 1024);
  return new RequestError("payload_too_large", `The body is larger than ${mebibytes} MiB, the limit here.`);
}
