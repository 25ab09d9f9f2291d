// For paths that stand in for another server: problem documents in the form that its clients read. Headers, such as
// Retry-After, stay.
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import type { AppEnv } from "../app-env.ts";

const problemSchema = z.object({
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  requestId: z.string(),
});

export type ReshapedProblem = z.infer<typeof problemSchema>;

export interface ReshapedError {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Before all that may refuse a request. */
export function reshapeProblems(
  reshape: (problem: ReshapedProblem) => ReshapedError,
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    if (!c.res.headers.get("content-type")?.startsWith("application/problem+json")) return;
    const { status, body } = reshape(problemSchema.parse(await c.res.json()));
    const headers = new Headers(c.res.headers);
    headers.delete("content-length");
    headers.set("Content-Type", "application/json");
    c.res = undefined;
    c.res = new Response(JSON.stringify(body), { status, headers });
  };
}
