// softgate jobs: trainings on a server. Trainings on a store end with their command, and have no jobs.
import { Command } from "commander";
import { parseReport } from "#trainer/report";
import { describeReport } from "../describe-report.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type JsonOption, withJson } from "../options.ts";
import { json, percent } from "../output.ts";
import { createClient } from "../remote/client.ts";
import { followJob, type RemoteJob, readJob } from "../remote/follow-job.ts";
import { type Server, withServer } from "../remote/server.ts";

interface JobOptions extends JsonOption {
  readonly remote?: Server;
}

export function jobsCommand(io: Io): Command {
  return new Command("jobs")
    .description("trainings on a server")
    .addCommand(showCommand(io))
    .addCommand(followCommand(io));
}

function showCommand(io: Io): Command {
  return withServer(withJson(new Command("show")))
    .description("where a job stands")
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      const job = await readJob(createClient(serverOf(options), io.signal), id);
      io.stdout(options.json ? json(job) : describeJob(job));
    });
}

function followCommand(io: Io): Command {
  return withServer(withJson(new Command("follow")))
    .description("wait for a job, and show how far it is")
    .argument("<id>", "of the job")
    .action(async (id: string, options: JobOptions) => {
      const client = createClient(serverOf(options), io.signal);
      const job = await followJob(client, id, { io, silent: options.json === true });
      io.stdout(options.json ? json(job) : describeJob(job));
    });
}

/** Throws CliError bad_usage. */
function serverOf({ remote }: JobOptions): Server {
  if (remote) return remote;
  throw new CliError("bad_usage", "Jobs are on a server: name it with --server or --profile.");
}

function describeJob({ id, state, phase, progress, adapter, error, report }: RemoteJob): string {
  if (adapter) {
    const rows = report ? describeReport(parseReport(report), "the training file") : "";
    return `${adapter.name}:${adapter.version} is published.\n${rows}`;
  }
  if (error) return `Job ${id} is ${state}. ${error.message}\n`;
  return `Job ${id} is ${state}${phase === undefined ? "" : `: ${phase}`}, ${percent(progress)}.\n`;
}
