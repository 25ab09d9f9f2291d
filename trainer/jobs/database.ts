// What the job database needs of Postgres, so that the embedded one and a server's are one to all above.
import { TrainerError } from "../errors.ts";

export type Row = Record<string, unknown>;

export interface Queryable {
  /** Without values, several statements may stand in one text; then the rows are those of all of them. */
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>;
}

export interface JobDatabase extends Queryable {
  /** For logs: no password. */
  readonly description: string;
  /** Whether other processes may be on it; the embedded one has one alone. */
  readonly isShared: boolean;
  /** Commits what the work did, or nothing when it rejects. */
  transaction<Value>(work: (tx: Queryable) => Promise<Value>): Promise<Value>;
  /** LISTEN. What is sent while the connection is lost is missed: whoever listens asks now and then, too. */
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Whether it is not to be had, or a connection to it was cut off. */
export function isUnavailable(error: unknown): error is TrainerError {
  return error instanceof TrainerError && error.code === "jobs_unavailable";
}
