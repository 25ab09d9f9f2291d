// The command softgate: this process's streams and signals given to runCli.
import { dropBegunSession } from "#model/runtime/begin";
import { beginServing } from "./begin-serving.ts";
import { keepCompiled } from "./keep-compiled.ts";

beginServing(process.argv.slice(2));
keepCompiled();
const [{ createProcessIo }, { runCli }] = await Promise.all([
  import("./process-io.ts"),
  import("./run-cli.ts"),
]);

process.exitCode = await runCli(process.argv.slice(2), createProcessIo());
// A thread that is ended while it loads a session takes the process with it.
await dropBegunSession();
