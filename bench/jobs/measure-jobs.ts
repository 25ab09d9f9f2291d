// A tenant with many jobs that wait, beside others': pages of them, and how long it took to submit them.
import type { JobQueue, JobsPage } from "#trainer/job";
import { type JobPlace, openJobService } from "#trainer/worker";
import type { BenchIo } from "../io.ts";
import { type Summary, summarize } from "../statistics.ts";

interface PageResult {
  readonly page: string;
  readonly jobs: number;
  readonly milliseconds: Summary;
}

export interface JobsResults {
  readonly pages: readonly PageResult[];
  readonly submitted: number;
  readonly submitSeconds: number;
}

interface JobsPlan {
  readonly place: JobPlace;
  readonly jobs: number;
  readonly tenants: number;
  readonly limit: number;
  readonly rounds: number;
}

const TENANT = "bench";
/** Jobs of one adapter out of so many. */
const ADAPTERS = 100;
const TOLD_EVERY = 1_000;

export async function measureJobs(plan: JobsPlan, io: BenchIo): Promise<JobsResults> {
  const { jobs, tenants, limit, rounds } = plan;
  const waiting = jobs * (1 + tenants / 10);
  const queue = openJobService(plan.place, {
    ...{ queueLengthMax: 2 * waiting, sendsWebhooks: false },
    log: (event) => io.stderr(`${JSON.stringify(event)}\n`),
  });
  try {
    await queue.opened();
    const startMs = performance.now();
    const ids: string[] = [];
    for (let index = 0; index < jobs; index += 1) {
      ids.push(await submit(queue, TENANT, index));
      // Others' come in between, as they would.
      if (index % 10 === 0) {
        for (let other = 0; other < tenants; other += 1) await submit(queue, `other-${other}`, index);
      }
      if (index % TOLD_EVERY === TOLD_EVERY - 1) io.stderr(`Submitted: ${index + 1} of ${jobs} jobs\n`);
    }
    const submitSeconds = (performance.now() - startMs) / 1_000;
    const [middle = "", last = ""] = [ids[Math.floor(jobs / 2)], ids[limit]];
    const pages: PageResult[] = [];
    for (const [page, query] of [
      ["first", { limit }],
      ["middle", { limit, after: middle }],
      ["last", { limit, after: last }],
      ["state", { limit, state: "queued" }],
      ["adapter", { limit, adapterName: "adapter-7" }],
      ["no such", { limit, state: "failed", adapterName: "adapter-7" }],
    ] as const satisfies [string, JobsPage][]) {
      pages.push(await measurePage(queue, { page, query, rounds }));
    }
    return { pages, submitted: ids.length + Math.ceil(jobs / 10) * tenants, submitSeconds };
  } finally {
    await queue.close();
  }
}

async function submit(queue: JobQueue, tenant: string, index: number): Promise<string> {
  const request = { adapterName: `adapter-${index % ADAPTERS}`, datasetId: "ds", options: { seed: 0 } };
  return (await queue.submit(tenant, request)).id;
}

async function measurePage(
  queue: JobQueue,
  { page, query, rounds }: { page: string; query: JobsPage; rounds: number },
): Promise<PageResult> {
  const times: number[] = [];
  let jobs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    jobs = (await queue.list(TENANT, query))?.jobs.length ?? 0;
    times.push(performance.now() - startMs);
  }
  return { page, jobs, milliseconds: summarize(times) };
}
