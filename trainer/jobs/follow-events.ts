// A job's events from a sequence number on, each as it comes, until the job's last.
import { z } from "zod";
import { isFinished, JOB_STATES, type JobEvent, type JobEventData } from "../job.ts";
import { type JobDatabase, type Queryable, readTwice } from "./database.ts";
import { uuidOf } from "./job-rows.ts";
import type { JobSignals } from "./signals.ts";

/** Read at once. */
const EVENTS_PER_READ_MAX = 200;

const eventSchema = z.object({
  seq: z.int(),
  at: z.date().transform((at) => at.toISOString()),
  // What this program wrote, and no other does.
  data: z.custom<JobEventData>((data) => typeof data === "object" && data !== null && "type" in data),
});

interface Source {
  readonly database: JobDatabase;
  readonly schema: string;
  readonly signals: JobSignals;
}

export async function* followEvents(
  { database, schema, signals }: Source,
  jobId: string,
  { after = 0, signal, follows = true }: { after?: number; signal?: AbortSignal; follows?: boolean },
): AsyncGenerator<JobEvent> {
  const watch = signals.watch((id) => id === jobId);
  let last = after;
  try {
    while (!signal?.aborted) {
      const position = { jobId, after: last };
      const { isLast, events } = await readTwice(() => readNext(database, schema, position), signal);
      for (const event of events) {
        if (signal?.aborted) return;
        last = event.seq;
        yield event;
      }
      // Asked once more whether it is over: a job that was redriven goes on after its end.
      if (events.length === EVENTS_PER_READ_MAX || isEnd(events.at(-1))) continue;
      // Who resumes after the last event is told nothing, and is not kept waiting.
      if (isLast || !follows) return;
      await watch.next(signal && { signal });
    }
  } finally {
    watch.end();
  }
}

function isEnd(event: JobEvent | undefined): boolean {
  return event?.data.type === "state" && isFinished(event.data.state);
}

async function readNext(
  source: Queryable,
  schema: string,
  position: { jobId: string; after: number },
): Promise<{ isLast: boolean; events: JobEvent[] }> {
  // Asked first: an event that comes between the two is read.
  const isLast = await isOver(source, schema, position.jobId);
  return { isLast, events: await readEvents(source, schema, position) };
}

async function readEvents(
  source: Queryable,
  schema: string,
  { jobId, after }: { jobId: string; after: number },
): Promise<JobEvent[]> {
  const { rows } = await source.query(
    `SELECT seq, at, data FROM ${schema}.job_events WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    [uuidOf(jobId), after, EVENTS_PER_READ_MAX],
  );
  return rows.map((row) => eventSchema.parse(row));
}

/** Also of a job that was removed for its age meanwhile. */
async function isOver(source: Queryable, schema: string, jobId: string): Promise<boolean> {
  const { rows } = await source.query(`SELECT state FROM ${schema}.jobs WHERE id = $1`, [uuidOf(jobId)]);
  const state = z.enum(JOB_STATES).optional().parse(rows[0]?.state);
  return state === undefined || isFinished(state);
}
