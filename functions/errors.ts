// What can be wrong with a request itself, before any other room sees it.

export type RequestErrorCode =
  | "invalid_request"
  | "invalid_options"
  | "unauthenticated"
  | "payload_too_large"
  | "unsupported_media_type"
  | "too_many_uploads"
  | "route_not_found"
  | "method_not_allowed"
  | "job_not_found"
  | "trainer_absent"
  | "server_stopping"
  | "internal_error";

/** One thing that is wrong, and where: in the body, in the query or in a file. */
export interface ErrorDetail {
  readonly detail: string;
  /** JSON pointer as a URI fragment, for example "#/inputs/3". */
  readonly pointer?: string;
  /** Name of a query parameter. */
  readonly parameter?: string;
  readonly file?: string;
  /** From 1; the header of a CSV is row 1. */
  readonly row?: number;
  readonly column?: string;
}

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
