// A child process that is told what to do by lines, and answers by lines: peers, which load once and are asked often.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { BenchIo } from "./io.ts";

export interface LineProcess {
  send(line: string): void;
  /** The next line of its stdout; undefined once it has ended. */
  next(): Promise<string | undefined>;
  /** Ends its stdin, and waits until it has ended by that. */
  close(): Promise<void>;
}

/** What it writes to stderr is shown as it is. One that cannot be started says so there, and has ended. */
export function startLineProcess(command: string, args: readonly string[], io: BenchIo): LineProcess {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stderr.setEncoding("utf8").on("data", io.stderr);
  child.on("error", (error) => io.stderr(`${command} cannot be started: ${error.message}\n`));
  // One that ends early is told by the line that does not come.
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    send: (line) => void child.stdin.write(`${line}\n`),
    next: async () => (await lines.next()).value,
    async close() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
