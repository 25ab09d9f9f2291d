// What is wrong with a command line or the files it names. Errors of the rooms pass through as they are.

export type BenchErrorCode =
  | "bad_usage"
  | "missing_files"
  | "unknown_label"
  | "invalid_results"
  | "peer_failed"
  | "server_failed";

export class BenchError extends Error {
  readonly code: BenchErrorCode;
  /** Says what to do. */
  readonly publicMessage: string;

  constructor(code: BenchErrorCode, publicMessage: string, cause?: unknown) {
    super(publicMessage, cause === undefined ? undefined : { cause });
    this.name = "BenchError";
    this.code = code;
    this.publicMessage = publicMessage;
  }
}
