// What a measurement sees of the world, so that tests can stand in for a terminal.

export interface BenchIo {
  /** The result, and nothing else. */
  readonly stdout: (text: string) => void;
  /** Progress and errors. */
  readonly stderr: (text: string) => void;
}
