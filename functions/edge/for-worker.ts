// A request as the app is to see it in a Worker.

/** With its id, and no encodings: the platform compresses what it answers, and would do it twice. */
export function forWorker(request: Request, requestId: string): Request {
  const seen = new Request(request);
  seen.headers.set("X-Request-Id", requestId);
  seen.headers.delete("Accept-Encoding");
  return seen;
}
