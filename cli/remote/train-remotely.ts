// softgate train on a server: the file is uploaded, trained on as a job there, and the job followed to its end.

import { z } from "zod";
import type { TrainOptions } from "#trainer/job";
import { parseReport } from "#trainer/report";
import { describeReport } from "../describe-report.ts";
import { CliError } from "../errors.ts";
import { followJob } from "../follow-job.ts";
import type { Io } from "../io.ts";
import { json } from "../output.ts";
import { type DatasetFile, printWarnings, withDatasetFile } from "../read-dataset.ts";
import type { TrainCommandOptions } from "../train-and-publish.ts";
import { requireReportFile, writeReport } from "../write-report.ts";
import { createClient } from "./client.ts";
import { createRemoteJobs } from "./remote-jobs.ts";
import { readReportPage } from "./report-page.ts";
import type { Server } from "./server.ts";
import { uploadDataset } from "./upload-dataset.ts";

/** What is of the machine that trains: its files, keys, devices and backbones. */
const LOCAL_OPTIONS = ["validation", "test", "sign", "device", "backbone"];

const acceptedSchema = z.looseObject({ jobId: z.string() });

export async function trainRemotely(
  command: TrainCommandOptions & { readonly remote: Server },
  options: TrainOptions,
  { io, isGiven }: { io: Io; isGiven: (option: string) => boolean },
): Promise<void> {
  const local = LOCAL_OPTIONS.find(isGiven);
  if (local)
    throw new CliError("bad_usage", `--${local} does not work over HTTP: train on the store's machine.`);
  if (command.report !== undefined) requireReportFile(command.report);
  const silent = command.json === true;
  const client = createClient(command.remote, io.signal);
  const upload = (file: DatasetFile) => {
    if (!silent) printWarnings({ fileName: file.fileName, warnings: file.summary.warnings }, io);
    return uploadDataset(client, file);
  };
  const { id: datasetId } = await withDatasetFile(command.data, { ...command, forTraining: true }, upload);
  const request = { name: command.name, datasetId, options };
  const { jobId } = acceptedSchema.parse(await client.send("POST", "/v1/adapters", request));
  if (!silent) io.stderr(`Job ${jobId}.\n`);
  const { adapter, report } = await followJob(jobId, { io, silent, read: createRemoteJobs(client).get });
  const { name, version, digest, heldBack } = adapter;
  const adapterId = `${name}:${version}`;
  if (command.report !== undefined) {
    await writeReport(command.report, await readReportPage(client, { name, version }));
  }
  if (command.json) {
    return io.stdout(json({ jobId, adapterId, version, digest, ...(heldBack && { heldBack }), report }));
  }
  io.stdout(`${adapterId} is published.\n${describeReport(parseReport(report), command.data)}`);
  if (heldBack) io.stderr(`warning: production was not moved to it. ${heldBack}\n`);
  io.stdout(`\nNext: softgate classify --adapter ${heldBack ? adapterId : name} "a new text"\n`);
}
