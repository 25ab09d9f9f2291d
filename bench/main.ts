// npm run bench: this process's streams given to runBench.
import { runBench } from "./run-bench.ts";

process.exitCode = await runBench(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
});
