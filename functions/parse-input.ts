// Values from outside → typed values, by zod; every refusal names the field it is about.
import type { z } from "zod";
import { type ErrorDetail, RequestError, type RequestErrorCode } from "./errors.ts";

const ERRORS_SHOWN_MAX = 20;

export interface ParseInputOptions {
  /** Default invalid_request. */
  readonly code?: RequestErrorCode;
  /** Where the value stands, when it is a part of the body, for example ["options"]. */
  readonly path?: readonly PropertyKey[];
}

/** A body or a part of it. Throws RequestError: detail is the first thing wrong, errors are all, at most 20. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  options: ParseInputOptions = {},
): z.output<Schema> {
  const { code = "invalid_request", path: parents = [] } = options;
  return parse(schema, value, code, (issue) => {
    const path = [...parents, ...issue.path];
    return { detail: `${fieldName(path)}: ${messageOf(issue)}`, pointer: pointerTo(path) };
  });
}

/** The parameters of a query string. Throws RequestError invalid_request. */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> {
  return parse(schema, query, "invalid_request", (issue) => {
    const parameter = fieldName(issue.path);
    return { detail: `${parameter}: ${messageOf(issue)}`, parameter };
  });
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: RequestErrorCode,
  describe: (issue: z.core.$ZodIssue) => ErrorDetail,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const errors = issues.slice(0, ERRORS_SHOWN_MAX).map(describe);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  throw new RequestError(code, `${errors[0]?.detail}${more}`, { errors });
}

function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_type" && issue.message.endsWith("received undefined")
    ? "is required"
    : issue.message;
}

/** ["inputs", 3, "text"] → inputs[3].text */
function fieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "body";
  return path.reduce<string>((name, part) => {
    if (typeof part === "number") return `${name}[${part}]`;
    return name === "" ? String(part) : `${name}.${String(part)}`;
  }, "");
}

/** RFC 6901, as a URI fragment. */
function pointerTo(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"));
  return `#${parts.map((part) => `/${encodeURIComponent(part.toWellFormed())}`).join("")}`;
}
