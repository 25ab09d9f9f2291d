// softgate jobs: trainings on a server. Trainings on a store end with their command, and have no jobs.
import { Command, Option } from "commander";
import { z } from "zod";
import { JOB_STATES } from "#trainer/job";
import { parseReport } from "#trainer/report";
import { describeReport } from "../describe-report.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type JsonOption, wholeNumber, withJson } from "../options.ts";
import { json, percent, table } from "../output.ts";
import { type Client, createClient } from "../remote/client.ts";
import { followJob, jobPath, jobSchema, type RemoteJob, readJob } from "../remote/follow-job.ts";
import { type Server, withServer } from "../remote/server.ts";

interface JobOptions extends JsonOption {
  readonly remote?: Server;
}

export function jobsCommand(io: Io): Command {
  return new Command("jobs")
    .description("list, follow and cancel trainings on a server")
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(followCommand(io))
    .addCommand(cancelCommand(io));
}

interface ListOptions extends JobOptions {
  readonly adapter?: string;
  readonly state?: string;
  readonly after?: string;
  readonly limit: number;
}

const pageSchema = z.looseObject({ jobs: z.array(jobSchema), next: z.string().optional() });

function listCommand(io: Io): Command {
  return withServer(withJson(new Command("list")))
    .description("jobs, newest first")
    .option("--adapter <name>", "of this adapter alone")
    .addOption(new Option("--state <state>", "in this state alone").choices(JOB_STATES))
    .option("--after <id>", "the next page: what the page before said")
    .option("--limit <n>", "at most so many", wholeNumber(1, 200), 50)
    .action(async ({ adapter, state, after, limit, ...options }: ListOptions) => {
      const query = { adapter, state, after, limit };
      const { jobs, next } = pageSchema.parse(await clientOf(options, io).get("/v1/jobs", query));
      if (options.json) return io.stdout(json({ jobs, ...(next !== undefined && { next }) }));
      if (jobs.length === 0) return io.stdout("No jobs. Next: softgate train --data FILE.csv --name NAME\n");
      io.stdout(table([["ID", "CREATED", "STATE", "ADAPTER", "PROGRESS"], ...jobs.map(rowOf)]));
      if (next !== undefined) io.stderr(`More: --after ${next}\n`);
    });
}

function rowOf({ id, createdAt, state, adapterName, adapter, progress, error }: RemoteJob): string[] {
  const version = adapter ? `${adapter.name}:${adapter.version}` : adapterName;
  return [id, createdAt, state, version, error ? error.code : percent(progress)];
}

function showCommand(io: Io): Command {
  return withServer(withJson(new Command("show")))
    .description("where a job stands")
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      printJob(io, options, await readJob(clientOf(options, io), id));
    });
}

function followCommand(io: Io): Command {
  return withServer(withJson(new Command("follow")))
    .description("wait for a job, and show how far it is")
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      const silent = options.json === true;
      printJob(io, options, await followJob(clientOf(options, io), id, { io, silent }));
    });
}

function cancelCommand(io: Io): Command {
  return withServer(withJson(new Command("cancel")))
    .description("end a job that waits or runs")
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      const answer = await clientOf(options, io).send("POST", `${jobPath(id)}/cancel`);
      printJob(io, options, jobSchema.parse(answer));
    });
}

/** Throws CliError bad_usage. */
function clientOf({ remote }: JobOptions, io: Io): Client {
  if (remote) return createClient(remote, io.signal);
  throw new CliError("bad_usage", "Jobs are on a server: name it with --server or --profile.");
}

function printJob(io: Io, options: JobOptions, job: RemoteJob): void {
  io.stdout(options.json ? json(job) : describeJob(job));
}

function describeJob({ id, state, phase, progress, adapter, error, report }: RemoteJob): string {
  if (adapter) {
    const told = report ? describeReport(parseReport(report), "the training file") : "";
    return `${adapter.name}:${adapter.version} is published.\n${told}`;
  }
  if (error) return `Job ${id} is ${state}. ${error.message}\n`;
  return `Job ${id} is ${state}${phase === undefined ? "" : `: ${phase}`}, ${percent(progress)}.\n`;
}
