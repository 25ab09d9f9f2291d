// POST /v1/classify of NDJSON: a line in, a line out, in order, for as many lines as a caller has. What is held of a
// stream is bounded: so many lines in flight, none longer than LINE_BYTES_MAX; who reads slowly is read slowly. When the
// caller goes, reading ends, and what is in the classifier's line is the last of it.
import { type Line, splitLines } from "#trainer/dataset";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { logFault } from "../../log-fault.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { KEY_CHECK_MS, requireKey } from "../../watch-key.ts";
import { answerLines, LINE_BYTES_MAX } from "./answer-lines.ts";
import { failureOf } from "./answer-request.ts";
import { OrderedAnswers } from "./ordered-answers.ts";
import { streamQuerySchema } from "./request.ts";
import type { StreamAnswer } from "./response.ts";
import type { StreamShares, TenantShare } from "./stream-shares.ts";

const GROUP_LINES_MAX = 64;
const GROUP_BYTES_MAX = LINE_BYTES_MAX;
/** Together the texts of some forward passes. */
const GROUPS_IN_FLIGHT_MAX = 4;
/** Without a line from the caller, or without the caller taking one. */
export const STREAM_SILENT_MS_MAX = 300_000;

interface StreamState {
  lines: number;
  failed: number;
  outcome: "done" | "left" | "silent" | "failed";
}

export function classifyStream(c: AppContext, services: Services, shares: StreamShares): Response {
  const defaults = parseQuery(streamQuerySchema, c.req.query());
  const share = shares.open(c.get("tenant"));
  const stream = new LineStream(c, services, { share, defaults });
  const headers = {
    "Content-Type": "application/x-ndjson",
    // Whatever stands between must neither hold lines back nor pack them.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
  };
  return c.body(stream.readable(), 200, headers);
}

class LineStream {
  readonly #c: AppContext;
  readonly #services: Services;
  readonly #share: TenantShare;
  readonly #defaults: { readonly adapterId?: string; readonly topK: number };
  readonly #gone = new AbortController();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #state: StreamState = { lines: 0, failed: 0, outcome: "done" };
  readonly #startedMs = performance.now();
  #hasEnded = false;
  #checkedMs = performance.now();
  #untaken: ReturnType<typeof setTimeout> | undefined;

  constructor(
    c: AppContext,
    services: Services,
    { share, defaults }: { share: TenantShare; defaults: { adapterId?: string; topK: number } },
  ) {
    this.#c = c;
    this.#services = services;
    this.#share = share;
    this.#defaults = defaults;
    this.#reader = c.req.raw.body?.getReader();
  }

  readable(): ReadableStream<Uint8Array> {
    const answers = new OrderedAnswers({
      groups: this.#groups(),
      answer: (group) => this.#answer(group),
      inFlightMax: GROUPS_IN_FLIGHT_MAX,
      silentMsMax: STREAM_SILENT_MS_MAX,
    });
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.#untaken = setTimeout(() => this.#giveUp(controller), STREAM_SILENT_MS_MAX);
    };
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      clearTimeout(this.#untaken);
      const bytes = await this.#next(answers);
      if (this.#state.outcome === "left") return;
      if (bytes) controller.enqueue(bytes);
      if (this.#hasEnded) controller.close();
      else start(controller);
    };
    return new ReadableStream({ start, pull, cancel: () => this.#end("left") }, { highWaterMark: 0 });
  }

  /** Bytes to send, or undefined; afterwards it may have ended. */
  async #next(answers: OrderedAnswers<Line[], Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const answer = await answers.next();
      if (answer === undefined) this.#end("done");
      if (answer !== "silent") return answer;
      const seconds = STREAM_SILENT_MS_MAX / 1_000;
      const message = `No line came for ${seconds} s. Send the lines that are left in another request.`;
      return this.#refuse("silent", new RequestError("invalid_request", message));
    } catch (error) {
      // The key was revoked, or cannot be looked up; or the body broke off, and whoever sent it may still read.
      this.#onFault(error);
      return this.#refuse("failed", error);
    }
  }

  /** A last line that is of no line. */
  #refuse(outcome: StreamState["outcome"], error: unknown): Uint8Array {
    this.#end(outcome);
    return ndjson([{ error: failureOf(error) }]);
  }

  #onFault(error: unknown): void {
    logFault(this.#services.log, this.#c, error);
  }

  #giveUp(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#end("silent");
    controller.error(new Error("the caller takes no lines"));
  }

  async *#groups(): AsyncGenerator<Line[]> {
    for await (const lines of splitLines(piecesOf(this.#reader), LINE_BYTES_MAX)) {
      for (const group of inGroups(lines)) {
        await this.#requireKey();
        yield group;
      }
    }
  }

  /** Throws RequestError unauthenticated, and what looking the key up does. */
  async #requireKey(): Promise<void> {
    if (performance.now() - this.#checkedMs < KEY_CHECK_MS) return;
    this.#checkedMs = performance.now();
    await requireKey(this.#services, this.#c);
  }

  /** Never rejects; of a stream that was left, what it gives is not sent. */
  async #answer(group: Line[]): Promise<Uint8Array> {
    const { signal } = this.#gone;
    const options = {
      tenant: this.#c.get("tenant"),
      scope: this.#c.get("scope").untraced(),
      defaults: this.#defaults,
      signal,
      onFault: (error: unknown) => this.#onFault(error),
    };
    try {
      const work = () => answerLines(this.#services, group, options);
      const answers = await this.#share.with(group.length, signal, work);
      this.#state.lines += answers.length;
      this.#state.failed += answers.filter((answer) => "error" in answer).length;
      return ndjson(answers);
    } catch (error) {
      if (!signal.aborted) options.onFault(error);
      return ndjson(group.map(({ number }) => ({ line: number, error: failureOf(error) })));
    }
  }

  /** Twice is once. */
  #end(outcome: StreamState["outcome"]): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#state.outcome = outcome;
    clearTimeout(this.#untaken);
    this.#gone.abort(new Error("the stream has ended"));
    void this.#reader?.cancel().catch(() => undefined);
    this.#share.close();
    this.#services.log({
      event: "stream_ended",
      requestId: this.#c.get("requestId"),
      tenant: this.#c.get("tenant"),
      ...this.#state,
      durationMs: performance.now() - this.#startedMs,
    });
  }
}

/** Throws RequestError invalid_request where they break off. */
async function* piecesOf(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  const next = () =>
    reader?.read().catch((cause: unknown) => {
      throw new RequestError("invalid_request", "The body ended before it was complete.", { cause });
    });
  for (let read = await next(); read && !read.done; read = await next()) yield read.value;
}

/** Blank lines are passed over. */
function* inGroups(lines: readonly Line[]): Generator<Line[]> {
  let group: Line[] = [];
  let bytes = 0;
  for (const line of lines) {
    if (line.bytes && isBlank(line.bytes)) continue;
    group.push(line);
    bytes += line.bytes?.length ?? 0;
    if (group.length < GROUP_LINES_MAX && bytes < GROUP_BYTES_MAX) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

const encoder = new TextEncoder();

function ndjson(answers: readonly StreamAnswer[]): Uint8Array {
  return encoder.encode(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
}
