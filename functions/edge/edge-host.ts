// Between a Worker's requests and the app: the app is opened by the first request, as a Worker may read nothing before,
// and by one that comes after where that failed.
import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { renderError } from "../middleware/render-error.ts";
import { requestId } from "../middleware/request-id.ts";
import type { Services } from "../services.ts";
import { forWorker } from "./for-worker.ts";
import { readAway } from "./read-away.ts";

/** Of a Worker's request. */
export interface ExecutionContext {
  /** The request's work goes on until then, though its client has left. */
  waitUntil(work: Promise<unknown>): void;
}

type Fetch = { fetch(request: Request): Response | Promise<Response> };

export function createEdgeHost(
  open: () => Promise<Fetch>,
  log: Services["log"],
): (request: Request, context: ExecutionContext) => Promise<Response> {
  let opening: Promise<Fetch> | undefined;
  const opened = () => {
    opening ??= open().catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const host = new Hono<AppEnv>();
  host.use(requestId(() => crypto.randomUUID()));
  host.onError(renderError(log));
  host.all("*", async (c) => {
    const request = forWorker(c.req.raw, c.get("requestId"));
    const answer = await (await opened()).fetch(request);
    if (!answer.ok) await readAway(request);
    return answer;
  });
  return (request, context) => {
    // Requests share the opening and their passes: one whose client leaves must not end them for the others.
    const answer = Promise.resolve(host.fetch(request));
    context.waitUntil(answer);
    return answer;
  };
}
