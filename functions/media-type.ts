// Content types as routes and limits tell them apart.

/** "text/csv; charset=utf-8" → "text/csv". */
export function mediaTypeOf(contentType: string | undefined): string {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * Whether a body is read, answered and forgotten line by line (classify-stream.ts): it may have any length and take any
 * time, and is bounded by the line instead.
 */
export function isLineByLine(path: string, contentType: string | undefined): boolean {
  return path === "/v1/classify" && mediaTypeOf(contentType) === "application/x-ndjson";
}
