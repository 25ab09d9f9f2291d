// softgate worker: trainers without a server, in the foreground, until a signal ends them. Any number of them, on any
// machines, work on the jobs of one Postgres server.
import { once } from "node:events";
import { Command, Option } from "commander";
import { describeDevice } from "#trainer/report";
import { chooseDevice } from "#trainer/run-job";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { LOG_LEVELS, type LogLevel } from "../log-level.ts";
import { withRegistry } from "../open-registry.ts";
import {
  backboneOption,
  jobsOf,
  type StoreOptions,
  type TrainersOptions,
  withStore,
  withTrainers,
} from "../options.ts";
import { json } from "../output.ts";
import { findOrPull } from "../pull.ts";
import { readSigner } from "../signing-key-file.ts";

interface WorkerOptions extends StoreOptions, TrainersOptions {
  readonly backbone: string;
  readonly logLevel: LogLevel;
  readonly signingKey?: string;
}

export function workerCommand(io: Io): Command {
  return withTrainers(withStore(new Command("worker"), io), { trainersMin: 1 })
    .description("train the jobs of the Postgres server that DATABASE_URL names, without serving")
    .addOption(new Option("--log-level <level>", "least that is logged").choices(LOG_LEVELS).default("info"))
    .option("--signing-key <file>", "sign what is trained with this private key, see softgate signing-key")
    .addOption(backboneOption())
    .action((options: WorkerOptions) => work(options, io));
}

async function work(options: WorkerOptions, io: Io): Promise<void> {
  const jobs = await jobsOf(options, io);
  if (jobs === "memory" || !("databaseUrl" in jobs)) {
    const message =
      "Set DATABASE_URL to the Postgres server that keeps the jobs. The embedded job database is of one process, its server: softgate serve --trainers N trains there.";
    throw new CliError("bad_usage", message);
  }
  const signer = await readSigner(options.signingKey);
  const backbone = await findOrPull(options.backbone, io, { silent: options.json === true });
  const device = await chooseDevice(options.device, { backbone, signal: io.signal });
  // Loaded late: most commands need none of it.
  const [{ startWorker }, { createServeLog }] = await Promise.all([
    import("#trainer/worker"),
    import("../serve-log.ts"),
  ]);
  await withRegistry(options.store, async (registry, store) => {
    await store.check();
    const { trainers, trainingsPerTenant: trainingsPerTenantMax, trainingMinutesMax } = options;
    const log = createServeLog({ level: options.logLevel, isTerminal: io.isTerminal, write: io.stderr });
    const worker = startWorker({
      ...{ registry, backbone, jobs, trainers, trainingsPerTenantMax, log },
      trainMsMax: trainingMinutesMax * 60_000,
      ...{ device, ...(signer && { signer }) },
    });
    try {
      await worker.opened();
      const told = `Training ${trainers} at once, device ${describeDevice(device)}. Ctrl-C ends it.\n`;
      io.stdout(options.json ? json({ trainers, device }) : told);
      if (!io.signal.aborted) await once(io.signal, "abort");
    } finally {
      await worker.close();
    }
  });
}
