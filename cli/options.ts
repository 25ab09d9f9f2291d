// Options that several commands share, and how their values are read.
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { DEVICE_CHOICES, type DeviceChoice, PRECISION_CHOICES } from "#model";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import { TRAIN_MS_MAX_LONGEST } from "#trainer/job";
import type { JobPlace } from "#trainer/worker";
import type { Io } from "./io.ts";
import { type Server, withServer } from "./remote/server.ts";

export const STORE_DEFAULT = "file:.softgate";
export const TENANT_DEFAULT = "default";

/** Who made a change, in history and audit. */
export const CLI_ACTOR = { id: "cli" };

export const DATA_FILE = "CSV with the columns text and label, TSV, NDJSON or Parquet";

export interface JsonOption {
  readonly json?: true;
}

export interface StoreOptions extends JsonOption {
  readonly store: string;
  /** Where it is to work over HTTP instead; set by remote/server.ts, of commands made with withServer. */
  readonly remote?: Server;
}

export interface TenantOptions extends StoreOptions {
  readonly tenant: string;
}

export function withJson(command: Command): Command {
  return command.option("--json", "print the result as one JSON document");
}

export function withStore(command: Command, io: Io): Command {
  const store = new Option("--store <url>", "where adapters are kept: file:PATH or s3://… (SOFTGATE_STORE)");
  return withJson(command).addOption(store.default(io.env.SOFTGATE_STORE || STORE_DEFAULT));
}

export function withTenant(command: Command, io: Io): Command {
  return withStore(command, io).option("--tenant <tenant>", "whose adapters", TENANT_DEFAULT);
}

/** Of commands that work over HTTP too, where the key says whose adapters. */
export function withPlaceOptions(command: Command, io: Io): Command {
  return withServer(withTenant(command, io));
}

/** By their names in the file; what is left out is found by its usual names. */
export interface ColumnOptions {
  readonly textColumn?: string;
  readonly textPairColumn?: string;
  readonly labelColumn?: string;
}

/** Of every file of labelled texts that the command reads. */
export function withColumns(command: Command): Command {
  return command
    .option("--text-column <name>", "of the files: the column of the texts (default: found by usual names)")
    .option("--text-pair-column <name>", "of the files: the column of the second texts of pairs")
    .option("--label-column <name>", "of the files: the column of the labels");
}

/** Of one process; each takes a core and the memory of a training. */
const TRAINERS_MAX = 64;

export interface TrainersOptions {
  readonly trainers: number;
  readonly trainingsPerTenant: number;
  readonly trainingMinutesMax: number;
  readonly device: DeviceChoice;
}

/** Of commands that train jobs. */
export function withTrainers(command: Command, { trainersMin }: { trainersMin: 0 | 1 }): Command {
  const none = trainersMin === 0 ? "; 0: softgate worker trains, here or elsewhere" : "";
  return command
    .option("--trainers <n>", `trainings at once${none}`, wholeNumber(trainersMin, TRAINERS_MAX), 1)
    .option(
      "--trainings-per-tenant <n>",
      "of one tenant at once, wherever they run; the same for all that train",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
      2,
    )
    .option(
      "--training-minutes-max <n>",
      "a training of these that takes longer fails",
      wholeNumber(1, TRAIN_MS_MAX_LONGEST / 60_000),
      60,
    )
    .addOption(deviceOption());
}

/** Of commands that train; the CPU unless asked, as each machine then gives the same adapter. */
export function deviceOption(): Option {
  return new Option("--device <device>", "that trains; auto: the fastest that is there and works")
    .choices(DEVICE_CHOICES)
    .default("cpu");
}

export interface JobsOptions {
  /** A folder. */
  readonly data?: string;
}

/** Of commands that keep jobs, or read them. */
export function withJobs(command: Command, io: Io): Command {
  const text = "folder of the embedded job database; without effect where DATABASE_URL names a server's";
  const data = new Option("--data <folder>", `${text} (SOFTGATE_DATA)`);
  return command.addOption(io.env.SOFTGATE_DATA ? data.default(io.env.SOFTGATE_DATA) : data);
}

export async function jobsOf(
  { store, data: dataFolder }: StoreOptions & JobsOptions,
  { env }: Io,
): Promise<JobPlace> {
  // Loaded late: most commands have nothing to do with jobs.
  const { jobPlaceOf } = await import("#trainer/worker");
  return jobPlaceOf(store, { databaseUrl: env.DATABASE_URL, dataFolder });
}

export function backboneOption(): Option {
  return new Option("--backbone <id>", "id of a backbone, or its folder").default(DEFAULT_BACKBONE);
}

export function defaultAdapterOption(): Option {
  const what =
    "adapter id that POST /predict answers with, of the caller's tenant; see docs/how-to/clients.md";
  return new Option("--default-adapter <id>", what);
}

export function precisionOption(): Option {
  return new Option("--precision <name>", "of the backbone; auto is int8")
    .choices(PRECISION_CHOICES)
    .default("auto");
}

/** An argument parser for whole numbers from min to max. */
export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** An argument parser for a JSON object, its values not looked at. */
export function jsonObject(value: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(value));
  } catch {
    throw new InvalidArgumentError(`Give a JSON object, for example '{"positive":"great"}'.`);
  }
}
