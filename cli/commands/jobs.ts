// softgate jobs: trainings as jobs, on a server or in the job database beside a store. `softgate train` on a store has none.
import { Command, Option } from "commander";
import { JOB_STATES, TrainerError } from "#trainer/job";
import { parseReport } from "#trainer/report";
import { describeReport } from "../describe-report.ts";
import { RemoteError } from "../errors.ts";
import { followJob } from "../follow-job.ts";
import type { Io } from "../io.ts";
import { withJobPort } from "../open-jobs.ts";
import { type JobsOptions, type TenantOptions, wholeNumber, withJobs, withPlaceOptions } from "../options.ts";
import { json, percent, table } from "../output.ts";
import type { JobOfPlace, JobPort, JobsQuery } from "../remote/remote-jobs.ts";

type JobOptions = TenantOptions & JobsOptions;

/** The most that a server answers at once. */
const PAGE_MAX = 200;

export function jobsCommand(io: Io): Command {
  return new Command("jobs")
    .description("list, follow, cancel and retry trainings on a server")
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(followCommand(io))
    .addCommand(cancelCommand(io))
    .addCommand(retryCommand(io))
    .addCommand(deadLettersCommand(io));
}

const jobsPlace = (name: string, io: Io) => withJobs(withPlaceOptions(new Command(name), io), io);

function listCommand(io: Io): Command {
  return jobsPlace("list", io)
    .description("jobs, newest first")
    .option("--adapter <name>", "of this adapter alone")
    .addOption(new Option("--state <state>", "in this state alone").choices(JOB_STATES))
    .option("--after <id>", "the next page: what the page before said")
    .option("--limit <n>", "at most so many", wholeNumber(1, PAGE_MAX), 50)
    .action((options: JobOptions & JobsQuery) =>
      withJobPort(options, io, async (port) => {
        const { adapter, state, after, limit } = options;
        const query = {
          ...(adapter && { adapter }),
          ...(state && { state }),
          ...(after && { after }),
          limit,
        };
        const { jobs, next } = await port.list(query);
        if (options.json) return io.stdout(json({ jobs, ...(next !== undefined && { next }) }));
        if (jobs.length === 0)
          return io.stdout("No jobs. Next: softgate train --data FILE.csv --name NAME\n");
        printTable(io, jobs);
        if (next !== undefined) io.stderr(`More: --after ${next}\n`);
      }),
    );
}

function printTable(io: Io, jobs: readonly JobOfPlace[]): void {
  io.stdout(table([["ID", "CREATED", "STATE", "ADAPTER", "PROGRESS"], ...jobs.map(rowOf)]));
}

function rowOf({ id, createdAt, state, adapterName, adapter, progress, error }: JobOfPlace): string[] {
  const version = adapter ? `${adapter.name}:${adapter.version}` : adapterName;
  return [id, createdAt, state, version, error ? error.code : percent(progress)];
}

function showCommand(io: Io): Command {
  return commandOfJob("show", io, (port, id) => port.get(id)).description("where a job stands");
}

function followCommand(io: Io): Command {
  return commandOfJob("follow", io, (port, id, options) =>
    followJob(id, { io, silent: options.json === true, read: port.get }),
  ).description("wait for a job, and show how far it is");
}

function cancelCommand(io: Io): Command {
  return commandOfJob("cancel", io, (port, id) => port.cancel(id)).description(
    "end a job that waits or runs",
  );
}

function retryCommand(io: Io): Command {
  return commandOfJob("retry", io, (port, id) => port.retry(id)).description(
    "begin a dead letter again: a job that has failed as often as it may",
  );
}

function commandOfJob(
  name: string,
  io: Io,
  ask: (port: JobPort, id: string, options: JobOptions) => Promise<JobOfPlace>,
): Command {
  return jobsPlace(name, io)
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      const job = await withJobPort(options, io, (port) => ask(port, id, options));
      io.stdout(options.json ? json(job) : describeJob(job));
    });
}

function describeJob({ id, state, phase, progress, adapter, error, report, retriable }: JobOfPlace): string {
  if (adapter) {
    const told = report ? describeReport(parseReport(report), "the training file") : "";
    return `${adapter.name}:${adapter.version} is published.\n${told}`;
  }
  const next = retriable ? `Next: softgate jobs retry ${id}\n` : "";
  if (error && state === "queued") return `Job ${id} is queued again. Before: ${error.message}\n`;
  if (error) return `Job ${id} is ${state}. ${error.message}\n${next}`;
  return `Job ${id} is ${state}${phase === undefined ? "" : `: ${phase}`}, ${percent(progress)}.\n`;
}

function deadLettersCommand(io: Io): Command {
  return jobsPlace("dead-letters", io)
    .description("jobs that have failed as often as they may, and can be retried")
    .option("--adapter <name>", "of this adapter alone")
    .option("--retry", "begin each of them again")
    .action((options: JobOptions & { adapter?: string; retry?: true }) =>
      withJobPort(options, io, async (port) => {
        const jobs: JobOfPlace[] = [];
        for (const letter of await deadLettersOf(port, options.adapter)) {
          const job = options.retry ? await retryIfDead(port, letter.id) : letter;
          if (!job) continue;
          jobs.push(job);
          // What was begun again stays so, whatever comes of those after it.
          if (options.retry) io.stderr(`Job ${job.id} is in line again.\n`);
        }
        if (options.json) return io.stdout(json({ jobs }));
        if (jobs.length === 0) return io.stdout("No dead letters.\n");
        printTable(io, jobs);
        if (!options.retry) io.stdout("\nNext: softgate jobs dead-letters --retry\n");
      }),
    );
}

/** Undefined where somebody else was faster. */
async function retryIfDead(port: JobPort, id: string): Promise<JobOfPlace | undefined> {
  try {
    return await port.retry(id);
  } catch (error) {
    const hasCode = error instanceof RemoteError || error instanceof TrainerError;
    if (hasCode && error.code === "job_not_retriable") return undefined;
    throw error;
  }
}

/** The oldest first, as they would have been begun. */
async function deadLettersOf(port: JobPort, adapter: string | undefined): Promise<JobOfPlace[]> {
  const letters: JobOfPlace[] = [];
  let after: string | undefined;
  do {
    const query = {
      state: "failed",
      limit: PAGE_MAX,
      ...(adapter && { adapter }),
      ...(after && { after }),
    } as const;
    const { jobs, next } = await port.list(query);
    letters.push(...jobs.filter(({ retriable }) => retriable));
    after = next;
  } while (after !== undefined);
  return letters.toReversed();
}
