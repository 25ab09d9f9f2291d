// For tests: a command line without a process. What was printed can be read back.
import type { Io } from "./io.ts";
import { runCli } from "./run-cli.ts";

export interface Printed {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `softgate ARGS`; without stdin nothing is piped in. */
export async function softgate(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: readonly string[]; isTerminal?: boolean } = {},
): Promise<Printed> {
  const { io, printed } = createTestIo(options);
  const exitCode = await runCli(args, io);
  return { exitCode, ...printed() };
}

export function createTestIo(
  options: { env?: Record<string, string>; stdin?: readonly string[]; isTerminal?: boolean } = {},
): { io: Io; printed: () => Omit<Printed, "exitCode">; clock: { nowMs: number } } {
  const { env = {}, stdin, isTerminal = false } = options;
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const clock = { nowMs: 0 };
  const io: Io = {
    stdout: (text) => void stdout.push(text),
    stderr: (text) => void stderr.push(text),
    isTerminal,
    isStdinTerminal: stdin === undefined,
    async *stdinLines() {
      yield* stdin ?? [];
    },
    env,
    signal: new AbortController().signal,
    now: () => clock.nowMs,
  };
  return { io, printed: () => ({ stdout: stdout.join(""), stderr: stderr.join("") }), clock };
}
