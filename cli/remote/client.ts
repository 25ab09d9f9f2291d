// HTTP calls to a Softgate server: JSON in, JSON out, and errors as the server tells them. What of the command line
// works over HTTP goes through here, and knows nothing of fetch.
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { CliError, RemoteError } from "../errors.ts";
import type { DatasetFile } from "../read-dataset.ts";
import type { Server } from "./server.ts";

export interface Client {
  /** Values that are undefined are left out of the query. */
  get(path: string, query?: Query): Promise<unknown>;
  send(method: "POST" | "PUT" | "DELETE", path: string, body?: object, query?: Query): Promise<unknown>;
  upload(path: string, file: { bytes: Uint8Array; name: string }, query?: Query): Promise<unknown>;
  /** A file to a URL that the server gave, with the headers that it gave; the key stays here. */
  sendFile(
    target: { url: string; headers: Readonly<Record<string, string>> },
    file: Pick<DatasetFile, "content" | "bytes">,
  ): Promise<void>;
  /**
   * A POST of work that takes as long as an upload, and is done once however often it is asked for: where it has a body, by
   * an Idempotency-Key.
   */
  finish(path: string, body?: object): Promise<unknown>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const ANSWER_MS_MAX = 60_000;
const UPLOAD_MS_MAX = 15 * 60_000;
/** As long as a server waits for a file that is sent by URL. */
const FILE_MS_MAX = 60 * 60_000;
/** Of a request that the server has refused to take yet. */
const RETRIES_MAX = 10;
/** Of one that waits for its turn: servers read one large file of a tenant at a time. */
const TURN_RETRIES_MAX = 120;
/** Of one that takes longer than a proxy on the way waits for its answer. */
const LOST_RETRIES_MAX = 5;
/** Before the first of them; doubled each time. */
const LOST_PAUSE_MS = 250;
/** What proxies answer then; the last is Cloudflare's. */
const LOST_STATUSES: readonly number[] = [502, 504, 524];
const RETRY_MS_MAX = 60_000;
const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData;
  readonly msMax?: number;
  readonly retriesMax?: number;
  /** Default 0: who does not know whether it was done does not ask again. */
  readonly lostRetriesMax?: number;
}

interface Answer {
  readonly response: Response;
  readonly text: string;
}

/**
 * The methods throw RemoteError with the problem's code, and CliError server_unreachable. What a server refuses for now
 * (429) is sent again when it says, since it has done nothing yet; and what it has no room for (503) where it may be done
 * twice: texts to classify.
 */
export function createClient(server: Server, signal: AbortSignal): Client {
  const ask = async (request: Request) => read(server.url, await askPatiently(server, request, signal));
  return {
    get: (path, query) => ask({ method: "GET", path, query }),
    send: (method, path, body, query) => ask({ method, path, query, ...jsonOf(body) }),
    upload(path, file, query) {
      const body = new FormData();
      body.set("file", new Blob([new Uint8Array(file.bytes)]), file.name);
      return ask({ method: "POST", path, query, body, msMax: UPLOAD_MS_MAX });
    },
    sendFile: (target, file) => putFile(target, file, signal),
    finish: (path, body) =>
      ask({
        ...{ method: "POST", path, msMax: UPLOAD_MS_MAX },
        ...jsonOf(body, { "Idempotency-Key": randomUUID() }),
        ...{ retriesMax: TURN_RETRIES_MAX, lostRetriesMax: LOST_RETRIES_MAX },
      }),
  };
}

function jsonOf(body: object | undefined, more: Readonly<Record<string, string>> = {}) {
  return body && { headers: { "Content-Type": "application/json", ...more }, body: JSON.stringify(body) };
}

async function askPatiently(server: Server, request: Request, signal: AbortSignal): Promise<Answer> {
  for (let retry = 0; ; retry += 1) {
    const answer = await askUntilAnswered(server, request, signal);
    const waitMs = Number(answer.response.headers.get("retry-after") ?? Number.NaN) * 1_000;
    const { status } = answer.response;
    // Of 409 the one that says when to come again: what the Idempotency-Key is of is still being done.
    const isRefused = [409, 429].includes(status) || (status === 503 && request.path === "/v1/classify");
    const isRefusedForNow = isRefused && waitMs <= RETRY_MS_MAX;
    if (!isRefusedForNow || retry === (request.retriesMax ?? RETRIES_MAX)) return answer;
    await setTimeout(waitMs, undefined, { signal });
  }
}

async function askUntilAnswered(server: Server, request: Request, signal: AbortSignal): Promise<Answer> {
  const { lostRetriesMax = 0 } = request;
  for (let retry = 0; ; retry += 1) {
    const answer = await askOnce(server, request, signal).catch((error: unknown) => {
      if (signal.aborted || retry === lostRetriesMax) throw error;
    });
    const isLost = answer === undefined || LOST_STATUSES.includes(answer.response.status);
    if (answer && (!isLost || retry === lostRetriesMax)) return answer;
    await setTimeout(LOST_PAUSE_MS * 2 ** retry, undefined, { signal });
  }
}

async function askOnce({ url, key }: Server, request: Request, signal: AbortSignal): Promise<Answer> {
  const { method, path, query = {}, headers, body, msMax = ANSWER_MS_MAX } = request;
  try {
    const response = await fetch(`${url}${path}${queryString(query)}`, {
      method,
      headers: { ...headers, Authorization: `Bearer ${key}` },
      ...(body && { body }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(msMax)]),
      // It could lead the key to another server.
      redirect: "manual",
    });
    return { response, text: await response.text() };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new CliError("server_unreachable", `${url} does not answer (${reasonOf(cause)}).`, cause);
  }
}

async function putFile(
  { url, headers }: Parameters<Client["sendFile"]>[0],
  { content, bytes }: Parameters<Client["sendFile"]>[1],
  signal: AbortSignal,
): Promise<void> {
  const { host } = new URL(url);
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { ...headers, "Content-Length": String(bytes) },
      body: Readable.toWeb(content.createReadStream({ start: 0, autoClose: false })) as ReadableStream,
      duplex: "half",
      signal: AbortSignal.any([signal, AbortSignal.timeout(FILE_MS_MAX)]),
      redirect: "manual",
    });
    const answer = await response.text();
    // 412: it is there, as whoever sends it again is told.
    if (response.ok || response.status === 412) return;
    const told = /<Code>(\w{1,100})<\/Code>/.exec(answer)?.[1] ?? "no reason given";
    const message = `The store at ${host} did not take the file (status ${response.status}, ${told}): start again.`;
    throw new CliError("server_unreachable", message);
  } catch (cause) {
    if (signal.aborted || cause instanceof CliError) throw cause;
    throw new CliError(
      "server_unreachable",
      `The store at ${host} does not answer (${reasonOf(cause)}).`,
      cause,
    );
  }
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

function read(url: string, { response, text }: Answer): unknown {
  if (response.status === 204) return undefined;
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
