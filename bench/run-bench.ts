// One command line → a measurement and an exit code: 0 measured, 1 failed, 2 bad usage or bad input.
import { CommanderError } from "commander";
import { TrainerError } from "#trainer/job";
import { BenchError } from "./errors.ts";
import type { BenchIo } from "./io.ts";
import { createProgram } from "./program.ts";

export async function runBench(args: readonly string[], io: BenchIo): Promise<number> {
  try {
    await createProgram(io).parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    return fail(error, io, args.includes("--json"));
  }
}

function fail(thrown: unknown, io: BenchIo, asJson: boolean): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0; // --help
  const error = thrown instanceof CommanderError ? badUsage(thrown) : thrown;
  const message = error instanceof Error ? error.message : String(error);
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string"
      ? error.code
      : "internal_error";
  io.stderr(asJson ? `${JSON.stringify({ error: { code, message } })}\n` : `error: ${message}\n`);
  if (process.env.SOFTGATE_DEBUG && error instanceof Error) io.stderr(`${error.stack}\n`);
  return isBadInput(error) || isBadDataset(error) ? 2 : 1;
}

function badUsage(error: CommanderError): BenchError {
  // Without a subcommand its help was shown, and is the explanation.
  const message = error.code === "commander.help" ? "Name a measurement, see above." : error.message;
  return new BenchError("bad_usage", message.replace(/^error: /, ""), error);
}

function isBadInput(error: unknown): boolean {
  return error instanceof BenchError && error.code !== "peer_failed" && error.code !== "server_failed";
}

function isBadDataset(error: unknown): boolean {
  return error instanceof TrainerError && error.code !== "training_failed";
}
