// GET /openai/v1/fine_tuning/jobs, .../:id and .../:id/events, POST .../:id/cancel.
import { z } from "zod";
import type { JobEvent } from "#trainer/job";
import type { AppContext } from "../../../app-env.ts";
import { RequestError } from "../../../errors.ts";
import { jsonAnswer, type Operation } from "../../../openapi/operation.ts";
import { pageLimitSchema } from "../../../page.ts";
import { parseQuery } from "../../../parse-input.ts";
import type { Services } from "../../../services.ts";
import { requireJob } from "../../jobs/require-job.ts";
import { openAiErrorForm } from "./error.ts";
import { fineTuningJobOf, fineTuningJobSchema, jobEventOf, jobEventSchema } from "./job-view.ts";

const pageQuery = z.object({
  limit: pageLimitSchema,
  /** The id of the last thing of the page before. */
  after: z.string().min(1).max(200).exactOptional(),
});

const listOf = (schema: z.ZodType) =>
  z.strictObject({ object: z.literal("list"), data: z.array(schema), has_more: z.boolean() });

const common = { tag: "drop-ins", errorForm: openAiErrorForm } as const;

export const listFineTuningJobsOperation: Operation = {
  ...{
    ...common,
    id: "listOpenAiFineTuningJobs",
    summary: "Jobs as OpenAI's API lists them, the newest first",
  },
  query: pageQuery,
  answers: { 200: jsonAnswer("A page of jobs.", listOf(fineTuningJobSchema)) },
  errors: ["jobs_unavailable"],
};

export const listFineTuningJobs = (services: Services) => async (c: AppContext) => {
  const found = await services.jobs.list(c.get("tenant"), parseQuery(pageQuery, c.req.query()));
  if (!found) throw unknownAfter();
  const data = found.jobs.map((job) => fineTuningJobOf(services, c, job));
  return c.json({ object: "list", data, has_more: found.hasMore });
};

export const getFineTuningJobOperation: Operation = {
  ...{ ...common, id: "getOpenAiFineTuningJob", summary: "A job as OpenAI's API tells it" },
  answers: { 200: jsonAnswer("The job.", fineTuningJobSchema) },
  errors: ["job_not_found", "jobs_unavailable"],
};

export const getFineTuningJob =
  (services: Services) => async (c: AppContext<"/openai/v1/fine_tuning/jobs/:id">) => {
    const job = requireJob(await services.jobs.get(c.get("tenant"), c.req.param("id")));
    return c.json(fineTuningJobOf(services, c, job));
  };

export const cancelFineTuningJobOperation: Operation = {
  ...{ ...common, id: "cancelOpenAiFineTuningJob", summary: "Ends a job, as OpenAI's API does" },
  answers: { 200: jsonAnswer("The job, cancelled.", fineTuningJobSchema) },
  errors: ["job_not_found", "job_not_cancellable", "jobs_unavailable"],
};

export const cancelFineTuningJob =
  (services: Services) => async (c: AppContext<"/openai/v1/fine_tuning/jobs/:id/cancel">) => {
    const job = requireJob(await services.jobs.cancel(c.get("tenant"), c.req.param("id")));
    return c.json(fineTuningJobOf(services, c, job));
  };

export const listJobEventsOperation: Operation = {
  ...{ ...common, id: "listOpenAiJobEvents", summary: "What happened to a job, the latest first" },
  query: pageQuery,
  answers: { 200: jsonAnswer("A page of events.", listOf(jobEventSchema)) },
  errors: ["job_not_found", "jobs_unavailable"],
};

export const listJobEvents =
  (services: Services) => async (c: AppContext<"/openai/v1/fine_tuning/jobs/:id/events">) => {
    const { limit, after } = parseQuery(pageQuery, c.req.query());
    const id = c.req.param("id");
    const told = requireJob(await services.jobs.events(c.get("tenant"), id, { follows: false }));
    const before = after === undefined ? Number.POSITIVE_INFINITY : seqOf(id, after);
    const events = await latestOf(told, { before, most: limit + 1 });
    const data = events.slice(0, limit).map((event) => jobEventOf(id, event));
    return c.json({ object: "list", data, has_more: events.length > limit });
  };

/** The latest first; no more than `most` are held. */
async function latestOf(
  events: AsyncIterable<JobEvent>,
  { before, most }: { before: number; most: number },
): Promise<JobEvent[]> {
  const latest: JobEvent[] = [];
  for await (const event of events) {
    if (event.seq >= before) break;
    latest.push(event);
    if (latest.length > most) latest.shift();
  }
  return latest.reverse();
}

/** Of an event's id, which holds its job's. */
function seqOf(jobId: string, eventId: string): number {
  const seq = eventId.startsWith(`${jobId}/`) ? eventId.slice(jobId.length + 1) : "";
  if (/^\d{1,9}$/.test(seq)) return Number(seq);
  throw unknownAfter();
}

function unknownAfter(): RequestError {
  return new RequestError("invalid_request", "after: must be the id of the last thing of the page before");
}
