// One command line → output and an exit code. Nothing below ends the process or touches its streams.
import { CommanderError } from "commander";
import { CliError, EXIT, failureOf } from "./errors.ts";
import type { Io } from "./io.ts";
import { createProgram } from "./program.ts";

export async function runCli(args: readonly string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return fail(error, io, args.includes("--json"));
  }
}

function fail(thrown: unknown, io: Io, asJson: boolean): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok; // --help, --version
  const error = explain(thrown, io);
  const failure = failureOf(error);
  io.stderr(asJson ? `${JSON.stringify({ error: failure.error })}\n` : `error: ${failure.error.message}\n`);
  if (io.env.SOFTGATE_DEBUG && error instanceof Error) io.stderr(`${error.stack}\n`);
  return failure.exitCode;
}

function explain(thrown: unknown, io: Io): unknown {
  if (thrown instanceof CommanderError) {
    // A group without a subcommand: its help was shown, and is the explanation.
    const message = thrown.code === "commander.help" ? "Name a command, see above." : thrown.message;
    return new CliError("bad_usage", `${message.replace(/^error: /, "")}${hintOf(thrown)}`, thrown);
  }
  return io.signal.aborted ? new CliError("interrupted", "Interrupted.", thrown) : thrown;
}

/** Of a command that was to work over HTTP, and cannot. */
function hintOf({ code, message }: CommanderError): string {
  if (code !== "commander.unknownOption" || !/'--(server|profile|key)'/.test(message)) return "";
  return " (this command does not work over HTTP: run it on the machine of the store)";
}
