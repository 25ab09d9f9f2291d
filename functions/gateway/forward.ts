// One request to a server and its answer back. Tried again at another server only where that changes nothing: reads,
// classify, which keeps nothing, and what has an Idempotency-Key, which servers do once. Anything else may have begun
// although its answer was lost.
import { CLASSIFY_MS_MAX } from "#model";
import { RequestError } from "../errors.ts";
import type { Server, Servers } from "./servers.ts";

export interface Call {
  readonly request: Request;
  /** Of a request that may be sent more than once: its body, which was read for it. Else the request's own is passed on. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Whose requests go to one server. */
  readonly key: string;
  readonly requestId: string;
  readonly timeoutMs: number;
  /** Whether the server is told how much of it is left. */
  readonly tellsTime: boolean;
}

export interface ForwardOptions {
  readonly servers: Servers;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now?: () => number;
}

const ATTEMPTS_MAX = 3;
/** Read by a server; see routes/classify. */
const TIMEOUT_HEADER = "Softgate-Timeout-Ms";

type Attempt = Response | "unreachable" | "late";

/** Throws RequestError origin_unreachable, origin_timeout. */
export async function forward(
  call: Call,
  { servers, log, now = Date.now }: ForwardOptions,
): Promise<Response> {
  const deadlineMs = now() + call.timeoutMs;
  const attemptsMax = isRepeatable(call) ? ATTEMPTS_MAX : 1;
  const tried = new Set<string>();
  let refused: Response | undefined;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const server = servers.take(call.key, tried);
    if (!server) break;
    tried.add(server.name);
    const answer = await ask(server, call, deadlineMs - now());
    servers.release(server, typeof answer === "string" ? answer : "answered");
    if (answer === "late") throw timedOut(call);
    if (answer !== "unreachable" && answer.status !== 503) return answer;
    log({ event: "server_failed", requestId: call.requestId, server: server.name, attempt });
    if (answer !== "unreachable") refused = answer;
    if (now() >= deadlineMs) throw timedOut(call);
  }
  // A server's own words, where one had any, say more than that another did not answer.
  if (refused) return refused;
  throw new RequestError("origin_unreachable", "No server could be reached; try again soon.");
}

/** Whether it may be sent twice: whoever calls reads the body of what may. */
function isRepeatable({ request, body }: Call): boolean {
  return request.method === "GET" || request.method === "HEAD" || body !== undefined;
}

async function ask(server: Server, call: Call, leftMs: number): Promise<Attempt> {
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), leftMs);
  try {
    const answer = await server.fetch(outgoing(server, call, { leftMs, signal: tooLate.signal }));
    // Each answer of a server bears the request's id: what does not is of what stands before it, or of none.
    if (answer.headers.get("x-request-id") !== call.requestId) {
      await answer.body?.cancel();
      return "unreachable";
    }
    return isRepeatable(call) ? await whole(answer) : new Response(answer.body, answer);
  } catch {
    return tooLate.signal.aborted ? "late" : "unreachable";
  } finally {
    // The limit is for the answer's beginning, and for what is read whole; a long body may take its time.
    clearTimeout(timer);
  }
}

function outgoing(
  server: Server,
  { request, body, requestId, tellsTime }: Call,
  { leftMs, signal }: { leftMs: number; signal: AbortSignal },
): Request {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.set("X-Request-Id", requestId);
  // The platform compresses what it answers, and would do it twice.
  headers.set("Accept-Encoding", "identity");
  // What a server cannot answer in that time it refuses at once, while there is time to ask another.
  if (tellsTime)
    headers.set(TIMEOUT_HEADER, String(Math.min(Math.max(1, Math.floor(leftMs)), CLASSIFY_MS_MAX)));
  const sent = body ?? request.body;
  return new Request(new URL(`${pathname}${search}`, server.url), {
    ...{ method: request.method, headers, signal },
    // Redirects are the client's to follow: its key must not travel to another host from here.
    redirect: "manual",
    ...(sent && { body: sent, duplex: "half" }),
  } as RequestInit);
}

/** JSON is read to its end, so that a server which ends in the middle of it can be replaced; all else goes on as it comes. */
async function whole(answer: Response): Promise<Response> {
  const isJson = /^application\/(problem\+)?json\b/.test(answer.headers.get("content-type") ?? "");
  return new Response(isJson ? await answer.arrayBuffer() : answer.body, answer);
}

function timedOut({ timeoutMs }: Call): RequestError {
  return new RequestError("origin_timeout", `No server answered within ${timeoutMs / 1_000} seconds.`);
}
