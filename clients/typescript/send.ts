// One request, tried again where that is safe and helps: after a 429, with which a server did nothing, and, of what may be
// done twice, after whatever else may pass. Waits grow and differ from client to client; Retry-After is a least.
import { errorOf, retryAfterSecondsOf } from "./error.ts";

export interface SoftgateOptions {
  /** Of the server or the gateway, without a path: "https://classify.example.com". */
  readonly url: string;
  /** From `softgate keys create`. */
  readonly key: string;
  /** Of one attempt. Default 60 s; what takes longer by its nature, as a large upload, has more. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default 4. */
  readonly retriesMax?: number;
  /** A Retry-After of more is not waited for. Default 60 s. */
  readonly waitMsMax?: number;
  readonly fetch?: typeof fetch;
  /** 0 … 1; default Math.random. */
  readonly random?: () => number;
  /** Rejects when the signal is aborted; default a timer. */
  readonly wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** What is sent, wherever. */
interface Message {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Blob | FormData | Uint8Array<ArrayBuffer>;
  /** Whether it may be done twice: a read, a classification, or what carries an Idempotency-Key. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Of an answer that streams, the time of an attempt ends with its headers. */
  readonly isStream?: boolean;
  /** Of an attempt, where that is more than timeoutMs. */
  readonly msMax?: number;
}

export interface Sent extends Message {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
}

interface SentTo extends Message {
  readonly url: string;
}

export const RETRIES_DEFAULT = 4;
const TIMEOUT_MS_DEFAULT = 60_000;
const WAIT_MS_MIN = 250;
const WAIT_MS_MAX_DEFAULT = 60_000;
const REFUSED = 429;
const CONFLICT = 409;
/** 503 too: it is also what a server answers whose store was lost to it in the middle of a change. */
const PASSING = [500, 502, 503, 504];

/** A success. Rejects with SoftgateError, or as fetch does. */
export async function send(options: SoftgateOptions, sent: Sent): Promise<Response> {
  const { path: _, query: __, ...message } = sent;
  const response = await sendTo(options, {
    ...{ ...message, url: urlOf(options.url, sent) },
    headers: { Authorization: `Bearer ${options.key}`, ...sent.headers },
  });
  if (response.ok) return response;
  throw await errorOf(response);
}

/** To any URL, with the given headers alone: the last answer, whatever it is. Rejects as fetch does. */
export async function sendTo(options: SoftgateOptions, sent: SentTo): Promise<Response> {
  const { retriesMax = RETRIES_DEFAULT, waitMsMax = WAIT_MS_MAX_DEFAULT } = options;
  for (let attempt = 0; ; attempt++) {
    const response = await attemptOnce(options, sent).catch((error: unknown) => ({ error }));
    if (!("error" in response) && response.ok) return response;
    sent.signal?.throwIfAborted();
    const waitMs = waitMsOf(options, response, attempt);
    if (attempt >= retriesMax || waitMs > waitMsMax || !helps(response, sent)) {
      if ("error" in response) throw response.error;
      return response;
    }
    if (!("error" in response)) await response.body?.cancel();
    await (options.wait ?? wait)(waitMs, sent.signal);
  }
}

function helps(response: Response | { error: unknown }, { isRepeatable }: Message): boolean {
  if ("error" in response) return isRepeatable;
  return (
    response.status === REFUSED ||
    (isRepeatable && (PASSING.includes(response.status) || isBeingDone(response)))
  );
}

/** An attempt before this one, whose answer did not come: with its key the same answer is had once there is one. */
function isBeingDone({ status, headers }: Response): boolean {
  return status === CONFLICT && headers.has("retry-after");
}

/** Half of it by chance: clients that were refused together do not come back together. */
function waitMsOf(
  { random = Math.random }: SoftgateOptions,
  response: Response | { error: unknown },
  attempt: number,
): number {
  const grown = WAIT_MS_MIN * 2 ** attempt;
  const least = "error" in response ? undefined : retryAfterSecondsOf(response.headers);
  return (least ?? 0) * 1_000 + grown * (least === undefined ? 0.5 + random() / 2 : random());
}

async function attemptOnce(options: SoftgateOptions, sent: SentTo): Promise<Response> {
  const timeoutMs = Math.max(options.timeoutMs ?? TIMEOUT_MS_DEFAULT, sent.msMax ?? 0);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    const response = await (options.fetch ?? fetch)(sent.url, {
      method: sent.method,
      ...(sent.headers && { headers: sent.headers }),
      ...(sent.body !== undefined && { body: sent.body }),
      signal: sent.signal ? AbortSignal.any([sent.signal, controller.signal]) : controller.signal,
    });
    if (sent.isStream) return response;
    return await readWhole(response);
  } finally {
    clearTimeout(timer);
  }
}

/** Within the attempt's time, so that a body that breaks off is tried again too. */
async function readWhole(response: Response): Promise<Response> {
  const body = await response.arrayBuffer();
  const headers = new Headers(response.headers);
  // It is unpacked by now.
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  return new Response(body.byteLength > 0 ? body : null, { status: response.status, headers });
}

function urlOf(url: string, { path, query = {} }: Sent): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const search = parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : "";
  return `${url.replace(/\/+$/, "")}${path}${search}`;
}

/** Rejects with the reason when the signal is aborted. */
export function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
