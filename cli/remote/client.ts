// HTTP calls to a Softgate server: JSON in, JSON out, and errors as the server tells them. What of the command line
// works over HTTP goes through here, and knows nothing of fetch.
import { z } from "zod";
import { CliError, RemoteError } from "../errors.ts";
import type { Server } from "./server.ts";

export interface Client {
  /** Values that are undefined are left out of the query. */
  get(path: string, query?: Query): Promise<unknown>;
  send(method: "POST" | "PUT" | "DELETE", path: string, body?: object, query?: Query): Promise<unknown>;
  upload(path: string, file: { bytes: Uint8Array; name: string }, query?: Query): Promise<unknown>;
  /** The answer's body as it is, for the media type that is asked for. */
  text(path: string, mediaType: string): Promise<string>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const ANSWER_MS_MAX = 60_000;
const UPLOAD_MS_MAX = 15 * 60_000;
const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

/** The methods throw RemoteError with the problem's code, and CliError server_unreachable. */
export function createClient({ url, key }: Server, signal: AbortSignal): Client {
  const ask = async (path: string, init: RequestInit, query: Query = {}, msMax = ANSWER_MS_MAX) => {
    const headers = { ...init.headers, Authorization: `Bearer ${key}` };
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(msMax)]);
    // A redirect could lead the key to another server.
    const request: RequestInit = { ...init, headers, signal: bounded, redirect: "manual" };
    try {
      const response = await fetch(`${url}${path}${queryString(query)}`, request);
      return { response, text: await response.text() };
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new CliError("server_unreachable", `${url} does not answer (${reasonOf(cause)}).`, cause);
    }
  };
  const json = async (...request: Parameters<typeof ask>) => read(url, await ask(...request));
  return {
    get: (path, query) => json(path, { method: "GET" }, query),
    send: (method, path, body, query) =>
      json(
        path,
        {
          method,
          ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
        },
        query,
      ),
    upload(path, file, query) {
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(file.bytes)]), file.name);
      return json(path, { method: "POST", body: form }, query, UPLOAD_MS_MAX);
    },
    async text(path, mediaType) {
      const answer = await ask(path, { method: "GET", headers: { Accept: mediaType } });
      if (!answer.response.ok) read(url, answer);
      return answer.text;
    },
  };
}

/** Without a key: the status of a path, and the server's time. Throws CliError server_unreachable. */
export async function probeServer(
  { url }: Pick<Server, "url">,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; dateMs: number }> {
  try {
    const response = await fetch(`${url}${path}`, { signal, redirect: "manual" });
    await response.body?.cancel();
    return { status: response.status, dateMs: Date.parse(response.headers.get("date") ?? "") };
  } catch (cause) {
    throw new CliError("server_unreachable", `${url} does not answer (${reasonOf(cause)}).`, cause);
  }
}

function read(url: string, { response, text }: { response: Response; text: string }): unknown {
  const body = parse(text);
  if (response.ok && body !== undefined) return body;
  const problem = problemSchema.safeParse(body);
  if (!problem.success) {
    const message = `${url} answered ${response.status}, and not as a Softgate server does: check the URL.`;
    throw new CliError("server_unreachable", message);
  }
  throw new RemoteError(problem.data.code, problem.data.detail, response.status);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? "" : `?${parameters}`;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
