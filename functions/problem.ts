// Any error → a problem document (RFC 9457) and its response. Errors of the rooms say what their
// publicMessage says; of a 5xx and of an unknown error the caller learns nothing but the request id.
import { z } from "zod";
import { ModelError, OverloadError } from "#model";
import { RegistryError } from "#registry";
import { TrainerError } from "#trainer/job";
import type { AppContext } from "./app-env.ts";
import { type ErrorDetail, errorDetailSchema, RequestError } from "./errors.ts";
import { writeRateLimit } from "./rate-limit-fields.ts";
import { type ErrorCode, isErrorCode, retryAfterSecondsByCode, statusByCode } from "./status-by-code.ts";

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "A page that says what the code means, relative to this server." }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: "The path asked for." }),
    requestId: z.string(),
    code: z.string().meta({ description: "One of those of docs/errors.md; it stays what it is." }),
    errors: z.array(errorDetailSchema).exactOptional(),
  })
  .meta({ id: "Problem" });

type Problem = z.infer<typeof problemSchema> & { readonly code: ErrorCode };

const DETAIL_CHARACTERS_MAX = 1_000;
const SERVER_FAULT = "The server could not answer this request; its log has the reason under the request id.";

/** The response for an error. Sets errorCode for the log line. */
export function problemResponse(c: AppContext, error: unknown): Response {
  const problem = {
    ...describeError(error),
    instance: c.req.path,
    requestId: c.get("requestId") ?? "",
  } satisfies Problem;
  c.set("errorCode", problem.code);
  if (error instanceof RequestError)
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
  const retryAfterSeconds = retryAfterSecondsOf(error);
  if (retryAfterSeconds !== undefined) c.header("Retry-After", String(retryAfterSeconds));
  if (error instanceof OverloadError && error.quota) writeRateLimit(c, error.quota, error.retryAfterSeconds);
  return c.body(JSON.stringify(problem), problem.status as (typeof statusByCode)[ErrorCode], {
    "Content-Type": "application/problem+json",
  });
}

/** What a caller may learn of an error, for a part of an answer that is not one itself. */
export function describeError(error: unknown): Omit<Problem, "instance" | "requestId"> {
  const code = codeOf(error);
  const status = statusByCode[code];
  const errors = status < 500 ? errorDetails(error) : [];
  return {
    type: `/errors/${code}`,
    title: titleOf(code),
    status,
    detail: status < 500 || error instanceof OverloadError ? cut(publicMessageOf(error)) : SERVER_FAULT,
    code,
    ...(errors.length > 0 && { errors }),
  };
}

/** Undefined where waiting does not help. */
export function retryAfterSecondsOf(error: unknown): number | undefined {
  return error instanceof OverloadError ? error.retryAfterSeconds : retryAfterSecondsByCode[codeOf(error)];
}

/** Of an error that no room made, internal_error. */
export function codeOf(error: unknown): ErrorCode {
  return isRoomError(error) && isErrorCode(error.code) ? error.code : "internal_error";
}

function isRoomError(error: unknown): error is RequestError | RegistryError | ModelError | TrainerError {
  return (
    error instanceof RequestError ||
    error instanceof RegistryError ||
    error instanceof ModelError ||
    error instanceof TrainerError
  );
}

function publicMessageOf(error: unknown): string {
  return isRoomError(error) ? error.publicMessage : SERVER_FAULT;
}

function errorDetails(error: unknown): ErrorDetail[] {
  if (error instanceof RequestError) return error.errors.map((one) => ({ ...one, detail: cut(one.detail) }));
  if (error instanceof TrainerError && error.at) return [{ detail: cut(error.publicMessage), ...error.at }];
  return [];
}

/** "adapter_not_found" → "Adapter not found": constant per code, as the RFC asks. */
function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function cut(message: string): string {
  return message.length <= DETAIL_CHARACTERS_MAX ? message : `${message.slice(0, DETAIL_CHARACTERS_MAX)}…`;
}
