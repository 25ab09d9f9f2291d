// What the job database needs of Postgres, so that the embedded one and a server's are one to all above.
import { setTimeout } from "node:timers/promises";
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

/** After a read whose connection was cut off, before the second try: a pool has noticed by then which others were. */
const READ_AGAIN_MS = 500;

/** For who waits for long: connections that are cut off end no wait, a server that stays away does. */
export async function readTwice<Value>(read: () => Promise<Value>, signal?: AbortSignal): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    await setTimeout(READ_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    return await read();
  }
}
