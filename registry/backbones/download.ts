// One file over HTTP into a partial file: goes on from its end by Range, tries again after a cut.
import { open, stat } from "node:fs/promises";
import { isMissing } from "./record.ts";

export interface DownloadOptions {
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Until the first answer. Default ANSWER_MS_MAX. */
  readonly answerMsMax?: number | undefined;
  /** No more is read once this is exceeded; the digest tells the caller. */
  readonly bytesMax?: number | undefined;
  readonly onBytes?: (bytes: number, bytesTotal: number) => void;
}

/** A mirror may fetch a file of hundreds of megabytes itself before it answers with the first byte. */
const ANSWER_MS_MAX = 60_000;
/** Between two pieces of the body. */
const STALL_MS_MAX = 30_000;
/** Cuts in a row without one new byte. */
const FRUITLESS_ATTEMPTS_MAX = 3;

/** Resolves to the Hub's commit header when there is one. Leaves the partial file in place when cut. */
export async function download(
  url: string,
  partial: string,
  options: DownloadOptions = {},
): Promise<{ commit?: string | undefined }> {
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(partial);
    try {
      return await attempt(url, partial, before, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof CutError)) throw error;
      fruitless = (await sizeOf(partial)) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS_MAX) throw error.cause;
    }
  }
}

/** The body ended early: worth another attempt. Everything else is not. */
class CutError extends Error {}

async function attempt(url: string, partial: string, begin: number, options: DownloadOptions) {
  const watch = watchdog(options.signal);
  try {
    const response = await request(url, begin, { ...options, watch });
    const isRest = response.status === 206;
    const at = isRest ? begin : 0;
    // Of a compressed body the length says nothing about the file.
    const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
    const bytesTotal = at + Number(length ?? Number.NaN);
    await append(response, partial, { ...options, at, bytesTotal, watch });
    return { commit: response.headers.get("x-repo-commit") ?? undefined };
  } finally {
    watch.stop();
  }
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** Aborts unless it is fed again within so many milliseconds. */
  feed(ms: number): void;
  stop(): void;
}

function watchdog(outer: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  const signal = outer ? AbortSignal.any([outer, controller.signal]) : controller.signal;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearTimeout(timer);
  const feed = (ms: number) => {
    stop();
    timer = setTimeout(() => controller.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  };
  return { signal, feed, stop };
}

async function request(
  url: string,
  begin: number,
  options: DownloadOptions & { watch: Watchdog },
): Promise<Response> {
  const { token, watch, answerMsMax = ANSWER_MS_MAX } = options;
  const headers = new Headers({ "Accept-Encoding": "identity" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (begin > 0) headers.set("Range", `bytes=${begin}-`);
  watch.feed(answerMsMax);
  const response = await fetch(url, { headers, signal: watch.signal });
  const beginsThere = response.headers.get("content-range")?.startsWith(`bytes ${begin}-`);
  if (response.status === 200 || (response.status === 206 && beginsThere)) return response;
  await response.body?.cancel();
  // The partial file is as long as the whole, or longer: from the start, then the digest decides.
  if (begin > 0 && (response.status === 416 || response.status === 206)) return request(url, 0, options);
  throw new Error(describeStatus(response.status, url));
}

interface AppendOptions extends DownloadOptions {
  readonly at: number;
  readonly bytesTotal: number;
  readonly watch: Watchdog;
}

/** Writes at explicit positions: a second process at the same file writes the same bytes. */
async function append(response: Response, partial: string, options: AppendOptions): Promise<void> {
  const { bytesTotal, watch, onBytes, bytesMax = Number.POSITIVE_INFINITY } = options;
  const file = await open(partial, options.at === 0 ? "w" : "r+");
  let at = options.at;
  try {
    watch.feed(STALL_MS_MAX);
    for await (const chunk of response.body ?? []) {
      watch.feed(STALL_MS_MAX);
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      if (at > bytesMax) return;
      onBytes?.(at, Number.isNaN(bytesTotal) ? at : bytesTotal);
    }
    if (at < bytesTotal) throw new TypeError(`the connection ended after ${at} of ${bytesTotal} bytes`);
  } catch (error) {
    // fetch reports a broken body as TypeError, the watchdog as its own reason.
    if (error instanceof TypeError || watch.signal.aborted) throw new CutError("cut", { cause: error });
    throw error;
  } finally {
    await file.close();
  }
}

function describeStatus(status: number, url: string): string {
  if (status === 401 || status === 403)
    return `HTTP ${status} for ${url} (set HF_TOKEN if the repository is private)`;
  if (status === 404) return `HTTP 404: there is no ${url}`;
  return `HTTP ${status} for ${url}`;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
