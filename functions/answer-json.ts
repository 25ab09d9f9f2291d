// JSON with its length declared: what packs answers can then tell that a small one is not worth it, before it makes a
// stream of the body. For the routes that are asked most.
import type { AppContext } from "./app-env.ts";

export function answerJson(c: AppContext, value: unknown): Response {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return c.body(body, 200, { "Content-Type": "application/json", "Content-Length": `${body.byteLength}` });
}
