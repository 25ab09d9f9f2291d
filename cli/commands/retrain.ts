// softgate retrain: a server trains an adapter's next version on its dataset and feedback; it becomes the candidate.
import { Command } from "commander";
import { z } from "zod";
import { parseAdapterName } from "#registry";
import { followJob } from "../follow-job.ts";
import type { Io } from "../io.ts";
import { jsonObject, withJson } from "../options.ts";
import { json, percent } from "../output.ts";
import { createRemoteJobs } from "../remote/remote-jobs.ts";
import { requireServer, type ServerOptions } from "../remote/require-server.ts";
import { withServer } from "../remote/server.ts";

interface RetrainOptions extends ServerOptions {
  readonly options?: Record<string, unknown>;
  readonly follow: boolean;
}

const acceptedSchema = z.looseObject({
  ...{ jobId: z.string(), version: z.int(), datasetId: z.string(), rows: z.int() },
  feedback: z.looseObject({ added: z.int(), replaced: z.int() }),
});

const figuresSchema = z.looseObject({ accuracy: z.number(), macroF1: z.number() });
const comparisonSchema = z.looseObject({
  ...{ n: z.int(), candidate: figuresSchema, production: figuresSchema },
});
const reportSchema = z.looseObject({ comparison: comparisonSchema.optional() });

export function retrainCommand(io: Io): Command {
  return withServer(withJson(new Command("retrain")))
    .description("train an adapter's next version with its feedback, as the alias candidate")
    .argument("<name>", "of the adapter")
    .option("--options <json>", "of the training, as POST /v1/adapters takes them", jsonObject)
    .option("--no-follow", "do not wait for the job")
    .action(async (given: string, options: RetrainOptions) => {
      const name = parseAdapterName(given);
      const client = requireServer(options, io);
      const body = options.options ? { options: options.options } : {};
      const accepted = acceptedSchema.parse(await client.finish(`/v1/adapters/${name}/retrain`, body));
      const { jobId, rows, feedback } = accepted;
      const silent = options.json === true;
      if (!silent) {
        const learned = `${feedback.added} examples added, ${feedback.replaced} rows replaced`;
        io.stderr(`Job ${jobId}: ${learned}, ${rows} in all.\n`);
      }
      if (!options.follow) return io.stdout(silent ? json(accepted) : `${jobId}\n`);
      const job = await followJob(jobId, { io, silent, read: createRemoteJobs(client).get });
      if (silent) return io.stdout(json({ ...accepted, adapter: job.adapter, report: job.report }));
      const { comparison } = reportSchema.parse(job.report ?? {});
      const { version, heldBack } = job.adapter;
      io.stdout(`${name}:${version} is ${heldBack ? "published" : "the candidate"}.\n`);
      if (heldBack) io.stderr(`warning: candidate was not moved to it. ${heldBack}\n`);
      if (comparison) io.stdout(describe(comparison));
      const promote = `softgate adapters set-alias ${name} production ${version}`;
      io.stdout(`\nNext: ${promote}, or first: softgate shadow ${name} --alias candidate --share 0.1\n`);
    });
}

function describe({ n, candidate, production }: z.infer<typeof comparisonSchema>): string {
  const figures = ({ accuracy, macroF1 }: z.infer<typeof figuresSchema>) =>
    `accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)}`;
  return `  with feedback  ${figures(candidate)}\n  without it     ${figures(production)}  (the same ${n} held-out rows)\n`;
}
