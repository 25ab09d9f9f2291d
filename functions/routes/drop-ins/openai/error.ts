// Errors as OpenAI's SDKs read them: the status chooses the class of the exception, `message` is what it says.
import { z } from "zod";
import type { ReshapedError, ReshapedProblem } from "../../../middleware/reshape-problems.ts";
import type { ErrorForm } from "../../../openapi/operation.ts";

const typeByStatus: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  429: "rate_limit_error",
};

export function openAiError({ status, code, detail, requestId }: ReshapedProblem): ReshapedError {
  const type = typeByStatus[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
  return { status, body: { error: { message: detail, type, param: null, code, request_id: requestId } } };
}

export const openAiErrorForm: ErrorForm = {
  schema: z.strictObject({
    error: z.strictObject({
      ...{ message: z.string(), type: z.string(), param: z.null() },
      ...{ code: z.string(), request_id: z.string() },
    }),
  }),
  statusOf: (status) => status,
};

/** RFC 3339 → seconds, as all times are there. */
export function secondsOf(at: string): number {
  return Math.floor(Date.parse(at) / 1_000);
}
