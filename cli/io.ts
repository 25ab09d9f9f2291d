// What a command sees of the world, so that tests can stand in for a terminal.

export interface Io {
  /** Results, and nothing else. */
  readonly stdout: (text: string) => void;
  /** Progress, warnings and errors. */
  readonly stderr: (text: string) => void;
  /** Whether stderr is a terminal, where a line can be written over. */
  readonly isTerminal: boolean;
  /** Whether nothing is piped in, so that reading would wait for a keyboard. */
  readonly isStdinTerminal: boolean;
  readonly stdinLines: () => AsyncIterable<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly now: () => number;
}
