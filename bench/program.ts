// All measurements and their help texts, put together.
import { Command } from "commander";
import { accuracyCommand } from "./accuracy/command.ts";
import { costsCommand } from "./costs/command.ts";
import { edgeCommand } from "./edge/command.ts";
import type { BenchIo } from "./io.ts";
import { jobsCommand } from "./jobs/command.ts";
import { listCommand } from "./list/command.ts";
import { loadCommand } from "./load/command.ts";
import { outOfScopeCommand } from "./out-of-scope/command.ts";
import { parseCommand } from "./parse/command.ts";
import { precisionCommand } from "./precision/command.ts";
import { serveCommand } from "./serve/command.ts";
import { sessionsCommand } from "./sessions/command.ts";
import { simulateCommand } from "./simulate/command.ts";
import { soakCommand } from "./soak/command.ts";
import { trainCommand } from "./train/command.ts";

const COMMANDS = [
  serveCommand,
  sessionsCommand,
  edgeCommand,
  loadCommand,
  soakCommand,
  trainCommand,
  parseCommand,
  listCommand,
  jobsCommand,
  accuracyCommand,
  precisionCommand,
  outOfScopeCommand,
  simulateCommand,
  costsCommand,
];

export function createProgram(io: BenchIo): Command {
  const program = new Command("npm run bench --")
    .description(
      "Measures Softgate on this machine: serving, training, memory, accuracy, int8, out-of-scope texts.",
    )
    .addHelpText("after", HELP);
  for (const command of COMMANDS) {
    program.addCommand(command(io));
  }
  // Settings are not inherited by commands made apart from their parent.
  for (const command of [program, ...program.commands]) speakThrough(io, command);
  return program;
}

/** Errors are thrown, not printed: run-bench.ts says them, in words or in JSON. */
function speakThrough(io: BenchIo, command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: io.stdout,
    writeErr: io.stderr,
    outputError: () => undefined,
  });
}

const HELP = `
Examples:
  $ npm run bench -- serve                      one batch of 64 adapters against the bare backbone
  $ npm run bench -- sessions                   threads of one session against several sessions
  $ npm run bench -- edge                       a Worker in workerd against a server in Node
  $ npm run bench -- load                       a server process with 1,000 tenants
  $ npm run bench -- soak --minutes 10          adapters replaced and removed under load, every answer checked
  $ npm run bench -- train                      the example, in a child process and in this one
  $ npm run bench -- parse                      peak memory of a million rows, as CSV and as NDJSON
  $ npm run bench -- list --store s3            pages of 10,000 adapters: calls to the store, and time
  $ npm run bench -- jobs                       pages of 10,000 jobs that wait
  $ npm run bench -- accuracy --data DIR --tasks trec --seeds 13,21 --out cells.jsonl
  $ npm run bench -- precision --data DIR --tasks trec --seeds 13
  $ npm run bench -- out-of-scope --data DIR    texts of none of the labels
  $ npm run bench -- simulate                   a day of 100,000 tenants: cache hits, waits, servers
  $ npm run bench -- costs --write              docs/how-to/costs.md anew, from prices and results

Each prints a table, or with --json one document {benchmark, machine, settings, results} on standard
output. Progress goes to standard error. Run timings on a machine that does nothing else:
npm adds lines of its own to standard output unless called as npm run --silent bench -- …

Exit codes: 0 measured (whether or not a target was met), 1 failed, 2 bad usage or bad input.
`;
