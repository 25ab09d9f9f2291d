// The command softgate: this process's streams and signals given to runCli.
import { enableCompileCache } from "node:module";
import { compileCacheFolder } from "#registry/cache-folder";

// Before all else is loaded, and into a folder of the user's own: what lies there is run. Halves the time to start.
enableCompileCache(compileCacheFolder());
const [{ createProcessIo }, { runCli }] = await Promise.all([
  import("./process-io.ts"),
  import("./run-cli.ts"),
]);

process.exitCode = await runCli(process.argv.slice(2), createProcessIo());
