// All commands and their help texts, put together.
import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { adaptersCommand } from "./commands/adapters.ts";
import { auditCommand } from "./commands/audit.ts";
import { backboneCommand } from "./commands/backbone.ts";
import { classifyCommand } from "./commands/classify.ts";
import { completionCommand } from "./commands/completion.ts";
import { datasetsCommand } from "./commands/datasets.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { feedbackCommand } from "./commands/feedback.ts";
import { initCommand } from "./commands/init.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { keysCommand } from "./commands/keys.ts";
import { profilesCommand } from "./commands/profiles.ts";
import { reportCommand } from "./commands/report.ts";
import { retrainCommand } from "./commands/retrain.ts";
import { serveCommand } from "./commands/serve.ts";
import { shadowCommand } from "./commands/shadow.ts";
import { signingKeyCommand } from "./commands/signing-key.ts";
import { storeCommand } from "./commands/store.ts";
import { tenantsCommand } from "./commands/tenants.ts";
import { trainCommand } from "./commands/train.ts";
import { usageCommand } from "./commands/usage.ts";
import { workerCommand } from "./commands/worker.ts";
import type { Io } from "./io.ts";
import { choosePlace } from "./remote/server.ts";

export function createProgram(io: Io): Command {
  const program = new Command("softgate")
    .description(
      "Text classifiers per tenant on one shared frozen encoder: train from a CSV, classify, serve.",
    )
    .version(packageJson.version)
    .addHelpText("after", HELP)
    .hook("preAction", (_program, command) => choosePlace(command, io));
  for (const command of [
    trainCommand(io),
    evaluateCommand(io),
    classifyCommand(io),
    reportCommand(io),
    serveCommand(io),
    workerCommand(io),
    datasetsCommand(io),
    adaptersCommand(io),
    auditCommand(io),
    keysCommand(io),
    usageCommand(io),
    jobsCommand(io),
    feedbackCommand(io),
    retrainCommand(io),
    shadowCommand(io),
    profilesCommand(io),
    initCommand(io),
    doctorCommand(io),
    completionCommand(io, () => program),
    signingKeyCommand(io),
    storeCommand(io),
    tenantsCommand(io),
    backboneCommand(io),
  ]) {
    program.addCommand(command);
  }
  // Settings are not inherited by commands made apart from their parent.
  for (const command of withDescendants(program)) speakThrough(io, command);
  return program;
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** Errors are thrown, not printed: run-cli.ts says them, in words or in JSON. */
function speakThrough(io: Io, command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: io.stdout,
    writeErr: io.stderr,
    outputError: () => undefined,
  });
}

const HELP = `
Examples:
  $ softgate train --data tickets.csv --name tickets       learn from a CSV of text,label
  $ softgate classify --adapter tickets "I was charged twice"
  $ softgate evaluate --adapter tickets --data test.csv    accuracy, macro-F1, each label
  $ softgate report tickets --html report.html             figures, advice and plots of its training
  $ softgate adapters rollback tickets                     production back to the version before
  $ softgate init                                          a store, a tenant, a key, and a file that names them
  $ softgate doctor                                        what does not work here, and what to do
  $ softgate serve                                         the HTTP API on 127.0.0.1:8080
  $ softgate adapters list --server https://HOST           the same over HTTP, with the key in SOFTGATE_KEY

Adapter ids:
  NAME           the version that the alias production points at
  NAME@ALIAS     the version that this alias points at
  NAME:3         version 3, for ever the same

Store URLs (--store, or the variable SOFTGATE_STORE):
  file:PATH                                     a folder; default file:.softgate, in the working folder
  s3://BUCKET/PREFIX?endpoint=URL&region=NAME   any S3-compatible store; credentials from the AWS variables
  memory:                                       forgotten at the end; for trying things

Every command takes --json: the result as one JSON document on standard output, an error as
{"error":{"code","message","at"}} on standard error, and no progress lines.

Exit codes:
  0  done                            3  not found: adapter, version, key, backbone, file
  1  failed                          4  store or network unreachable, or access refused
  2  bad usage or bad input          130  interrupted

Variables: SOFTGATE_STORE, SOFTGATE_CACHE (folder for backbones), SOFTGATE_DEBUG=1 (stack traces); for jobs:
DATABASE_URL (a Postgres server), SOFTGATE_DATA (folder of the embedded one); to work on a server:
SOFTGATE_SERVER and SOFTGATE_KEY, or SOFTGATE_PROFILE, see softgate profiles.
`;
