// The jobs that a command works on: a server's over HTTP, or those of the job database beside a store, where nobody trains
// meanwhile but who shares a Postgres server.
import { existsSync } from "node:fs";
import { parseAdapterName, parseTenantId } from "#registry";
import type { Job } from "#trainer/job";
import type { JobPlace, JobService } from "#trainer/worker";
import { CliError, RemoteError } from "./errors.ts";
import type { Io } from "./io.ts";
import { type JobsOptions, jobsOf, type TenantOptions } from "./options.ts";
import { createClient } from "./remote/client.ts";
import { createRemoteJobs, type JobOfPlace, type JobPort, jobSchema } from "./remote/remote-jobs.ts";

export async function withJobPort<Result>(
  options: TenantOptions & JobsOptions,
  io: Io,
  use: (jobs: JobPort) => Promise<Result>,
): Promise<Result> {
  if (options.remote) return use(createRemoteJobs(createClient(options.remote, io.signal)));
  const place = await jobsOf(options, io);
  requireJobs(place);
  const { openJobService } = await import("#trainer/worker");
  const jobs = openJobService(place, { sendsWebhooks: false, log: () => undefined });
  try {
    return await use(createLocalJobs(jobs, parseTenantId(options.tenant)));
  } finally {
    await jobs.close();
  }
}

/** Throws CliError bad_usage: to look for jobs must not make a database of them. */
function requireJobs(place: JobPlace): void {
  if (place !== "memory" && ("databaseUrl" in place || existsSync(place.folder))) return;
  const elsewhere =
    "name a server with --server or --profile, or a database of jobs with --data or DATABASE_URL";
  throw new CliError("bad_usage", `There are no jobs beside this store: ${elsewhere}.`);
}

function createLocalJobs(jobs: JobService, tenant: string): JobPort {
  return {
    get: async (id) => viewOf(await jobs.get(tenant, id)),
    async list({ adapter, ...page }) {
      const query = { ...page, ...(adapter !== undefined && { adapterName: parseAdapterName(adapter) }) };
      const found = await jobs.list(tenant, query);
      if (!found) throw new CliError("bad_usage", "--after: give what the page before said.");
      const next = found.hasMore ? found.jobs.at(-1)?.id : undefined;
      return { jobs: found.jobs.map(viewOf), ...(next !== undefined && { next }) };
    },
    cancel: async (id) => viewOf(await jobs.cancel(tenant, id)),
    retry: async (id) => viewOf(await jobs.retry(tenant, id)),
  };
}

/** As a server answers it. */
function viewOf(job: Job | undefined): JobOfPlace {
  if (!job) throw new RemoteError("job_not_found", "There is no job of this id.", 404);
  const { options: _, origin: _origin, submittedBy: _by, retraining: _of, isRetriable, ...view } = job;
  return jobSchema.parse({ ...view, ...(isRetriable && { retriable: true }) });
}
