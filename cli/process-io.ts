// The real terminal: this process's streams, and its signals as one AbortSignal.
import { createInterface } from "node:readline";
import type { Io } from "./io.ts";

/** npm, the shell and the bootstrap may each pass on the same Ctrl-C. */
const REPEATED_SIGNAL_MS = 1_000;

export function createProcessIo(): Io {
  // `softgate … | head` closes the pipe early, which is no fault.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    isStdinTerminal: process.stdin.isTTY === true,
    stdinLines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    env: process.env,
    signal: abortOnSignal(),
    now: Date.now,
  };
}

/** The first signal asks to stop; one more, a second or more later, ends the process. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const onSignal = (exitCode: number) => () => {
    if (firstAtMs !== undefined && Date.now() - firstAtMs >= REPEATED_SIGNAL_MS) process.exit(exitCode);
    firstAtMs ??= Date.now();
    controller.abort();
  };
  process.on("SIGINT", onSignal(130));
  process.on("SIGTERM", onSignal(143));
  return controller.signal;
}
