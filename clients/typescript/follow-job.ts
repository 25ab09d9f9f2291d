// What happens to a job, as server-sent events: each once and in order, over as many connections as it takes.
import { EventSourceParserStream } from "eventsource-parser/stream";
import { type SoftgateOptions, send, wait } from "./send.ts";

export interface JobMessage {
  /** Counts from 1; given as `after`, the events behind it are told. */
  readonly seq: number;
  /** state, progress, gates or metrics. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface FollowOptions {
  readonly after?: number;
  readonly signal?: AbortSignal;
}

const FINISHED = ["succeeded", "failed", "cancelled"];
/** Between two connections, where one ended before the job did. */
const RECONNECT_MS = 1_000;

/** To the event after which there is none. Rejects with SoftgateError, as fetch does after its retries, or when aborted. */
export async function* followJob(
  options: SoftgateOptions,
  id: string,
  { after = 0, signal }: FollowOptions,
): AsyncGenerator<JobMessage> {
  let [seq, isFinished] = [after, false];
  while (true) {
    const response = await open(options, id, { seq, signal });
    if (response.status === 204) return;
    for await (const message of messagesOf(response)) {
      if (message.seq <= seq) continue;
      seq = message.seq;
      if (message.type === "state") isFinished = FINISHED.includes(String(message.data.state));
      yield message;
    }
    // Not before the server ends: a job that was retried goes on after its end.
    if (isFinished) return;
    signal?.throwIfAborted();
    await (options.wait ?? wait)(RECONNECT_MS, signal);
  }
}

function open(
  options: SoftgateOptions,
  id: string,
  { seq, signal }: { seq: number; signal: AbortSignal | undefined },
): Promise<Response> {
  return send(options, {
    method: "GET",
    path: `/v1/jobs/${encodeURIComponent(id)}/events`,
    headers: { Accept: "text/event-stream", ...(seq > 0 && { "Last-Event-ID": String(seq) }) },
    isRepeatable: true,
    isStream: true,
    signal,
  });
}

/** Ends where the connection does, however that was. */
async function* messagesOf({ body }: Response): AsyncGenerator<JobMessage> {
  const reader = body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    while (reader) {
      const read = await reader.read().catch(() => ({ done: true, value: undefined }) as const);
      if (read.done || !read.value) return;
      const { id, event = "message", data } = read.value;
      yield { seq: Number(id), type: event, data: JSON.parse(data) };
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
