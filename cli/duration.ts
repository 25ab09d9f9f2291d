// "30m", "36h", "14d": times on the command line.
import { InvalidArgumentError } from "commander";

const msByUnit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DAYS_MAX = 36_500;

/** Milliseconds. An argument parser; throws InvalidArgumentError. */
export function duration(value: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,10})([smhd])$/.exec(value) ?? [];
  const ms = Number(digits || Number.NaN) * (msByUnit[unit as keyof typeof msByUnit] ?? Number.NaN);
  if (ms <= DAYS_MAX * msByUnit.d) return ms;
  throw new InvalidArgumentError("Give a number and s, m, h or d, for example 36h or 14d.");
}
