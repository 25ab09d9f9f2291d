// A finished measurement → standard output, and a file when one was named.
import { writeFile } from "node:fs/promises";
import type { BenchIo } from "./io.ts";
import { describeMachine, type Machine, machineLine } from "./machine.ts";

export interface BenchDocument<Settings, Results> {
  readonly benchmark:
    | "serve"
    | "sessions"
    | "edge"
    | "load"
    | "soak"
    | "train"
    | "parse"
    | "list"
    | "jobs"
    | "accuracy"
    | "precision"
    | "out-of-scope"
    | "simulate"
    | "lambda";
  readonly machine: Machine;
  readonly settings: Settings;
  readonly results: Results;
}

export interface Measured<Settings, Results> {
  readonly benchmark: BenchDocument<Settings, Results>["benchmark"];
  readonly settings: Settings;
  readonly results: Results;
  /** The results for people. */
  readonly text: string;
}

/** `out` gets the JSON document, whatever is printed. */
export async function printDocument<Settings, Results>(
  { text, ...measured }: Measured<Settings, Results>,
  { json, out }: { json?: true; out?: string },
  io: BenchIo,
): Promise<void> {
  const { benchmark, ...rest } = measured;
  const document: BenchDocument<Settings, Results> = { benchmark, machine: describeMachine(), ...rest };
  const asJson = `${JSON.stringify(document, null, 2)}\n`;
  // Printed first: a file that cannot be written must not lose what took minutes.
  io.stdout(json ? asJson : `${machineLine(document.machine)}\n${text}`);
  if (out !== undefined) await writeFile(out, asJson);
}
