// npm run bench -- jobs
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { type PagesOptions, wholeNumber, withPages } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { textTable, whole } from "../text-table.ts";
import { type JobsResults, measureJobs } from "./measure-jobs.ts";

interface JobsOptions extends PagesOptions {
  readonly jobs: number;
  readonly tenants: number;
  readonly databaseUrl?: string;
}

export function jobsCommand(io: BenchIo): Command {
  return withPages(new Command("jobs"), "jobs", 50)
    .description("pages of a tenant's jobs while all of them wait, and how long submitting takes")
    .option("--jobs <n>", "of the tenant that is listed", wholeNumber(10, 100_000), 10_000)
    .option("--tenants <n>", "others, with a tenth as many each", wholeNumber(0, 100), 5)
    .option(
      "--database-url <url>",
      "an empty database of a Postgres server; without, the embedded one in memory",
    )
    .action((options: JobsOptions) => jobs(options, io));
}

async function jobs(options: JobsOptions, io: BenchIo): Promise<void> {
  const { jobs, tenants, limit, rounds, databaseUrl } = options;
  const size = { jobs, tenants, limit, rounds };
  const results = await measureJobs({ place: databaseUrl ? { databaseUrl } : "memory", ...size }, io);
  const settings = { ...size, database: databaseUrl ? "a server's" : "embedded" };
  await printDocument({ benchmark: "jobs", settings, results, text: describe(results) }, options, io);
}

function describe({ pages, submitted, submitSeconds }: JobsResults): string {
  const rows = pages.map(({ page, jobs, milliseconds }) => [
    page,
    whole(jobs),
    ...[milliseconds.median, milliseconds.min, milliseconds.max].map((value) => value.toFixed(1)),
  ]);
  const heading = ["PAGE", "JOBS", "MS", "MIN", "MAX"];
  const each = ((submitSeconds * 1_000) / submitted).toFixed(1);
  return `${textTable([heading, ...rows])}${submitted} jobs were submitted, one after the other, in ${each} ms each.\n`;
}
