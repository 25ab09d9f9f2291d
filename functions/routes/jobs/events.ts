// GET /v1/jobs/:id/events: what happens to a job, as server-sent events: its states, progress, gates and metrics, from
// the first or from after Last-Event-ID, each as it comes, until the job is finished or the key is not good any more.
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { z } from "zod";
import { isFinished, type JobEvent } from "#trainer/job";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import type { Operation } from "../../openapi/operation.ts";
import { numberAfterSchema, wholeNumberSchema } from "../../page.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Services } from "../../services.ts";
import { untilGone } from "../../until-gone.ts";
import { watchKey } from "../../watch-key.ts";
import { requireJob } from "./require-job.ts";

/** Of one tenant, on this server. */
export const EVENT_STREAMS_PER_TENANT_MAX = 100;
/** A comment, where nothing else is told: proxies close what is silent, and who is gone is found out. */
const COMMENT_EVERY_MS = 15_000;
/** A client that lost its connection opens another after so long. */
const RETRY_MS = 1_000;

const querySchema = z.object({ after: numberAfterSchema });
const headerSchema = z.object({
  "last-event-id": z
    .string()
    .meta({ description: "The `id` of the last event that was read." })
    .exactOptional(),
});

export const jobEventsOperation: Operation = {
  ...{ id: "followJob", tag: "jobs", summary: "What happens to a job, as it happens" },
  query: querySchema,
  headers: headerSchema,
  answers: {
    200: {
      description: "Server-sent events, to the job's last.",
      content: { "text/event-stream": z.string() },
    },
    204: { description: "The job is finished, and nothing came after that event." },
  },
  errors: ["job_not_found", "jobs_unavailable", "too_many_streams"],
};

export const jobEvents = (services: Services, { isStopping }: { isStopping: () => boolean }) => {
  const streams = new Map<string, number>();
  return async (c: AppContext<"/v1/jobs/:id/events">) => {
    const after = afterOf(c);
    const [tenant, id] = [c.get("tenant"), c.req.param("id")];
    const job = requireJob(await services.jobs.get(tenant, id));
    const leave = enter(streams, tenant);
    const key = watchKey(services, c);
    const gone = untilGone(c.req.raw, () => isStopping() || key.hasEnded());
    const end = () => {
      gone.end();
      key.end();
      leave();
    };
    try {
      const events = requireJob(await services.jobs.events(tenant, id, { after, signal: gone.signal }));
      const iterator = events[Symbol.asyncIterator]();
      // An EventSource asks again after the end; this tells it that there is no more.
      const first = isFinished(job.state) ? await iterator.next() : undefined;
      if (first?.done) {
        end();
        return c.body(null, 204);
      }
      c.header("X-Accel-Buffering", "no");
      const told = { first: first?.value, rest: { [Symbol.asyncIterator]: () => iterator } };
      const onError = (error: unknown) =>
        services.log({ event: "events_not_told", jobId: id, tenant, error: String(error) });
      return streamSSE(c, (stream) => tell(stream, told).catch(onError).finally(end));
    } catch (error) {
      end();
      throw error;
    }
  };
};

async function tell(
  stream: SSEStreamingApi,
  { first, rest }: { first: JobEvent | undefined; rest: AsyncIterable<JobEvent> },
): Promise<void> {
  const comment = setInterval(() => void stream.write(":\n\n"), COMMENT_EVERY_MS);
  try {
    await stream.write(`retry: ${RETRY_MS}\n\n`);
    if (first) await stream.writeSSE(messageOf(first));
    for await (const event of rest) await stream.writeSSE(messageOf(event));
  } finally {
    clearInterval(comment);
  }
}

/** The header is what an EventSource sends; the query, what one can write by hand. Throws invalid_request. */
function afterOf(c: AppContext): number {
  const { after = 0 } = parseQuery(querySchema, c.req.query());
  const header = c.req.header("Last-Event-ID");
  if (header === undefined || header === "") return after;
  const id = wholeNumberSchema.safeParse(header);
  if (id.success) return id.data;
  throw new RequestError("invalid_request", "Last-Event-ID must be the id of an event of this job.");
}

/** Throws too_many_streams. */
function enter(streams: Map<string, number>, tenant: string): () => void {
  const open = streams.get(tenant) ?? 0;
  if (open >= EVENT_STREAMS_PER_TENANT_MAX) {
    const message = `${open} streams of events are open, the limit; close one, or ask with ?wait.`;
    throw new RequestError("too_many_streams", message);
  }
  streams.set(tenant, open + 1);
  return () => {
    const left = (streams.get(tenant) ?? 1) - 1;
    if (left > 0) streams.set(tenant, left);
    else streams.delete(tenant);
  };
}

function messageOf({ seq, at, data }: JobEvent) {
  const { type, ...rest } = data;
  return { id: String(seq), event: type, data: JSON.stringify({ at, ...rest }) };
}
