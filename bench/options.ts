// Options that the measurements share, and how their values are read.
import { type Command, InvalidArgumentError, Option } from "commander";
import { DEVICE_CHOICES, type DeviceChoice } from "#model";
import { DEFAULT_BACKBONE } from "#registry/backbones";

export interface SharedOptions {
  readonly backbone: string;
  readonly threads: number;
  readonly json?: true;
  readonly out?: string;
}

export const THREADS_MAX = 256;

export function withShared(command: Command, outText: string): Command {
  return command
    .option("--backbone <id>", "id of a backbone (pulled if missing), or a folder", DEFAULT_BACKBONE)
    .option("--threads <n>", "threads of one pass; 0 lets onnxruntime choose", wholeNumber(0, THREADS_MAX), 0)
    .option("--json", "print one JSON document instead of a table")
    .option("--out <file>", outText);
}

export interface PagesOptions {
  readonly limit: number;
  readonly rounds: number;
  readonly json?: true;
  readonly out?: string;
}

/** Of what is measured of pages of a list. things: that a page has. */
export function withPages(command: Command, things: string, roundsDefault: number): Command {
  return command
    .option("--limit <n>", `${things} a page`, wholeNumber(1, 200), 100)
    .option("--rounds <n>", "each page is read so often", wholeNumber(1, 1_000), roundsDefault)
    .option("--json", "print one JSON document instead of a table")
    .option("--out <file>", "write the JSON document to this file too");
}

export interface DeviceOptions {
  readonly device: DeviceChoice;
}

/** Of measurements that train. */
export function withDevice(command: Command): Command {
  const option = new Option("--device <device>", "that trains; auto: the fastest that is there and works");
  return command.addOption(option.choices(DEVICE_CHOICES).default("cpu"));
}

/** An argument parser for whole numbers from min to max. */
export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** An argument parser for numbers above 0, to max: "10", "0.5". */
export function positiveNumber(max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
    if (number > 0 && number <= max) return number;
    throw new InvalidArgumentError(`Give a number above 0, to ${max}.`);
  };
}

/** An argument parser for names separated by commas, each once; they become parts of paths. */
export function nameList(value: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !/^\w[\w.-]{0,63}$/.test(name));
  if (wrong === undefined) return [...new Set(names)];
  throw new InvalidArgumentError(
    `"${wrong}" is no name. Give names of letters, digits, - _ . and commas between.`,
  );
}
