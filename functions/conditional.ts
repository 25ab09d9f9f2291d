// Conditions of requests that change something (RFC 9110): If-Match with what a GET answered as ETag, and
// If-None-Match: * for what must not be there yet. Conditions of GET are hono's etag middleware's.
import { z } from "zod";
import type { RevisionOptions } from "#registry";
import type { AppContext } from "./app-env.ts";
import { RequestError } from "./errors.ts";

/** Entity tags of one header. */
const TAGS_MAX = 20;
const TAGS = /^(?:W\/)?"[\x21\x23-\x7e]{1,100}"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]{1,100}")*$/;

/** For an operation's headers. */
export const conditionHeaders = z.object({
  "if-match": z
    .string()
    .meta({ description: "The ETag of what was read, or *. 412 where it has changed since.", example: "*" })
    .exactOptional(),
  "if-none-match": z
    .string()
    .meta({ description: "* alone: only where it is not there yet.", example: "*" })
    .exactOptional(),
});

/** For the registry. Throws RequestError invalid_request. */
export function conditionOf(c: AppContext): RevisionOptions {
  const [ifMatch, ifNoneMatch] = [c.req.header("if-match"), c.req.header("if-none-match")];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === "*" && ifMatch === undefined) return { ifRevision: "none" };
    throw new RequestError(
      "invalid_request",
      "If-None-Match: a change takes only *, and no If-Match with it.",
    );
  }
  if (ifMatch === undefined) return {};
  if (ifMatch.trim() === "*") return { ifRevision: "any" };
  if (!TAGS.test(ifMatch.trim())) {
    throw new RequestError(
      "invalid_request",
      'If-Match: send an ETag as it was answered, in quotes, or "*".',
    );
  }
  // Weak ones too: compression on the way makes them so, and ours stand for the thing, not for its bytes.
  const tags = [...ifMatch.matchAll(/"([^"]+)"/g)].map(([, tag = ""]) => tag);
  return { ifRevision: tags.slice(0, TAGS_MAX) };
}
