// What can be wrong with a request itself, before any other room sees it.
import { z } from "zod";

import type { KeyScope } from "#registry";

export type RequestErrorCode =
  | "invalid_request"
  | "invalid_options"
  | "unauthenticated"
  | `scope_${KeyScope}_missing`
  | "issuer_unreachable"
  | "request_rate_exceeded"
  | "payload_too_large"
  | "body_too_slow"
  | "unsupported_media_type"
  | "too_many_uploads"
  | "idempotency_key_reused"
  | "idempotency_key_in_use"
  | "too_many_line_streams"
  | "route_not_found"
  | "method_not_allowed"
  | "job_not_found"
  | "too_many_streams"
  | "webhook_not_found"
  | "trainer_absent"
  | "server_stopping"
  | "origin_unreachable"
  | "origin_timeout"
  | "internal_error";

/** One thing that is wrong, and where: in the body, in the query or in a file. */
export const errorDetailSchema = z
  .strictObject({
    detail: z.string(),
    pointer: z
      .string()
      .meta({ description: 'JSON pointer as a URI fragment: "#/inputs/3".' })
      .exactOptional(),
    parameter: z.string().meta({ description: "Name of a query parameter." }).exactOptional(),
    file: z.string().exactOptional(),
    row: z.int().min(1).meta({ description: "The header of a CSV is row 1." }).exactOptional(),
    column: z.string().exactOptional(),
  })
  .meta({ id: "ErrorDetail" });

export type ErrorDetail = z.infer<typeof errorDetailSchema>;

export class RequestError extends Error {
  readonly code: RequestErrorCode;
  readonly publicMessage: string;
  readonly errors: readonly ErrorDetail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RequestErrorCode,
    publicMessage: string,
    options: { errors?: readonly ErrorDetail[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RequestError";
    this.code = code;
    this.publicMessage = publicMessage;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}
