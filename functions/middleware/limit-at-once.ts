// Bounds how many requests with large bodies are worked on at once: each holds its body, and what is made of it, in
// memory. Those beyond are asked to come again.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { mediaTypeOf } from "../media-type.ts";
import { writeRateLimit } from "../rate-limit-fields.ts";
import { retryAfterSecondsByCode } from "../status-by-code.ts";

/** Of datasets. Each holds up to UPLOAD_BYTES_MAX and its parsed form. */
export const UPLOADS_AT_ONCE_MAX = 4;
/** Of packages. Each holds its archive and what it unpacks to. */
export const IMPORTS_AT_ONCE_MAX = 2;
/** Of uploads by URL. Each holds its file. */
export const COMPLETIONS_AT_ONCE_MAX = 1;
/** Each holds a dataset, parsed, and another that is made of it. */
export const RETRAININGS_AT_ONCE_MAX = 1;

/** Over all routes that share what is returned; of uploads, JSON is small, and not counted. */
export function limitAtOnce(
  what: "uploads" | "imports" | "completions" | "retrainings",
  most: number,
): MiddlewareHandler<AppEnv> {
  let underWay = 0;
  return async (c, next) => {
    const isJson = mediaTypeOf(c.req.header("content-type")) === "application/json";
    if (what === "uploads" && isJson) return next();
    if (underWay >= most) {
      writeRateLimit(c, { name: what, most, left: 0 }, retryAfterSecondsByCode.too_many_uploads ?? 1);
      throw new RequestError("too_many_uploads", `The server is taking other ${what}; send this again soon.`);
    }
    underWay += 1;
    try {
      await next();
    } finally {
      underWay -= 1;
    }
  };
}
