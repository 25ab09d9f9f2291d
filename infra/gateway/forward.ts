// One request to the origin and its answer back, both as streams. Never tried twice: an upload or a
// training may have begun although its answer was lost.
import { type GatewayProblem, problem } from "./problem.ts";

export interface GatewayEnv {
  /** A Softgate server, for example https://softgate.example.com. */
  readonly ORIGIN_URL?: string;
  /** Until the server's answer begins, the upload included. Default one minute. */
  readonly ORIGIN_TIMEOUT_MS?: string;
}

interface Route {
  readonly env: GatewayEnv;
  /** Path and query. */
  readonly path: string;
  /** Path only, for problems. */
  readonly instance: string;
  readonly requestId: string;
}

const TIMEOUT_MS_DEFAULT = 60_000;
const TIMEOUT_MS_MAX = 300_000;

export async function forward(request: Request, route: Route): Promise<Response> {
  const { env, path, requestId } = route;
  const origin = parseOrigin(env.ORIGIN_URL);
  if (!origin) {
    return refuse(
      route,
      500,
      "gateway_misconfigured",
      "The gateway's ORIGIN_URL is no http or https address.",
    );
  }
  const timeoutMs = parseTimeout(env.ORIGIN_TIMEOUT_MS);
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), timeoutMs);
  try {
    const outgoing = new Request(new URL(path, origin), request);
    outgoing.headers.set("X-Request-Id", requestId);
    // Redirects are the client's to follow: its key must not travel to another host from here.
    const answer = await fetch(outgoing, { redirect: "manual", signal: tooLate.signal });
    const response = new Response(answer.body, answer);
    response.headers.set("X-Request-Id", requestId);
    return response;
  } catch (error) {
    console.error(JSON.stringify({ event: "origin_failed", requestId, error: String(error) }));
    return tooLate.signal.aborted
      ? refuse(route, 504, "origin_timeout", `The server did not answer within ${timeoutMs / 1000} seconds.`)
      : refuse(route, 502, "origin_unreachable", "The server could not be reached; try again soon.");
  } finally {
    // The limit is for the answer's beginning; a long body may take its time.
    clearTimeout(timer);
  }
}

function refuse(
  { instance, requestId }: Route,
  status: GatewayProblem["status"],
  code: GatewayProblem["code"],
  detail: string,
): Response {
  return problem({ status, code, detail, instance, requestId });
}

function parseOrigin(value: string | undefined): URL | undefined {
  const url = value === undefined ? null : URL.parse(value);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url : undefined;
}

function parseTimeout(value: string | undefined): number {
  const timeoutMs = Number(value ?? TIMEOUT_MS_DEFAULT);
  return timeoutMs > 0 ? Math.min(timeoutMs, TIMEOUT_MS_MAX) : TIMEOUT_MS_DEFAULT;
}
