// A Postgres server as job database: a pool, and a connection of its own that listens. A server that hangs is as one that is
// not there: nothing waits for it for ever.
import { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { TrainerError } from "../errors.ts";
import { isUnavailable, type JobDatabase, type Queryable, type Row } from "./database.ts";

/** Of one process; the listener is one more. */
const CONNECTIONS_MAX = 10;
/** Also for a connection of the pool, where all are in use. */
const CONNECT_MS_MAX = 5_000;
/** Of a statement, the wait for a lock with it; then its connection is given up. */
const QUERY_MS_MAX = 10_000;
const RECONNECT_MS = 1_000;
/** A connection on which nothing comes is asked after so long whether its other end is there. */
const KEEP_ALIVE_MS = 10_000;
/** A process that stands still within a transaction, or was cut off, holds the lock of the queue no longer than this. */
const IDLE_IN_TRANSACTION_MS_MAX = 30_000;

export interface PostgresOptions {
  /** Default CONNECT_MS_MAX. */
  readonly connectMsMax?: number;
  /** Default QUERY_MS_MAX. */
  readonly queryMsMax?: number;
}

/** Connects at the first query. Throws TrainerError jobs_unavailable for what is no postgres URL. */
export function openPostgres(url: string, options: PostgresOptions = {}): JobDatabase {
  const { connectMsMax = CONNECT_MS_MAX, queryMsMax = QUERY_MS_MAX } = options;
  const connection = {
    ...{ connectionString: url, application_name: "softgate" },
    ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS },
    ...{ connectionTimeoutMillis: connectMsMax, query_timeout: queryMsMax },
  };
  const pool = new pg.Pool({ ...connection, max: CONNECTIONS_MAX });
  // A connection that breaks while nobody uses it: the next query opens another.
  pool.on("error", () => undefined);
  return {
    description: describe(url),
    isShared: true,
    query: (text, values) => run(pool, text, values),
    transaction: (work) => transact(pool, work, beginOf(queryMsMax)),
    listen: (channel, onPayload) => listen(connection, channel, onPayload),
    close: () => pool.end(),
  };
}

/** The server gives up as the client does: what a client has left must not hold its locks. */
function beginOf(queryMsMax: number): string {
  const idle = `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS_MAX}`;
  return `BEGIN; ${idle}; SET LOCAL statement_timeout = ${queryMsMax}`;
}

function describe(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `postgres ${hostname}${port && `:${port}`}${pathname}`;
  } catch (error) {
    const message = "DATABASE_URL is no URL: postgres://USER:PASSWORD@HOST:5432/DATABASE.";
    throw new TrainerError("jobs_unavailable", message, { cause: error });
  }
}

async function run(
  client: pg.Pool | pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<{ rows: Row[] }> {
  try {
    const answer: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(
      text,
      values && [...values],
    );
    return { rows: Array.isArray(answer) ? answer.flatMap(({ rows }) => rows) : answer.rows };
  } catch (error) {
    throw isOfConnection(error) ? unavailable(error) : error;
  }
}

async function transact<Value>(
  pool: pg.Pool,
  work: (tx: Queryable) => Promise<Value>,
  begin: string,
): Promise<Value> {
  const client = await pool.connect().catch((error: unknown) => {
    throw unavailable(error);
  });
  // The pool listens to idle connections alone. A query that is under way rejects besides.
  const ignore = () => undefined;
  client.on("error", ignore);
  let broken: Error | undefined;
  const query: Queryable["query"] = async (text, values) => {
    // What was asked before has had no answer: this would wait behind it.
    if (broken) throw broken;
    try {
      return await run(client, text, values);
    } catch (error) {
      if (isUnavailable(error)) broken = error;
      throw error;
    }
  };
  try {
    await query(begin);
    const value = await work({ query });
    await query("COMMIT");
    return value;
  } catch (error) {
    await query("ROLLBACK").catch((failed: Error) => {
      broken = failed;
    });
    throw error;
  } finally {
    client.off("error", ignore);
    client.release(broken);
  }
}

async function listen(
  connection: pg.ClientConfig,
  channel: string,
  onPayload: (payload: string) => void,
): Promise<() => Promise<void>> {
  const stop = new AbortController();
  let socket = new Socket();
  const connect = async () => {
    const connected = new Socket();
    socket = connected;
    const opened = new pg.Client({ ...connection, stream: () => connected });
    opened.on("notification", ({ payload = "" }) => onPayload(payload));
    opened.on("error", () => undefined); // It ends too.
    opened.once("end", () => void reconnect());
    try {
      await opened.connect();
      await opened.query(`LISTEN ${channel}`);
    } catch (error) {
      // It would stay open, and hear nothing.
      connected.destroy();
      throw error;
    }
  };
  const reconnect = async () => {
    const waited = await setTimeout(RECONNECT_MS, true, { signal: stop.signal, ref: false }).catch(
      () => false,
    );
    // A connection that fails to open ends as well, and comes back here.
    if (waited) await connect().catch(() => undefined);
  };
  await connect().catch((error: unknown) => {
    stop.abort();
    throw unavailable(error);
  });
  return async () => {
    stop.abort();
    // Not by saying goodbye: a server that hangs would not answer it.
    socket.destroy();
  };
}

function unavailable(cause: unknown): TrainerError {
  const message = "The job database does not answer: is its server up, and DATABASE_URL right?";
  return new TrainerError("jobs_unavailable", message, { cause });
}

/** Codes of Node.js's sockets, and of Postgres: of connections, idle too long, too slow, shut down, too many, no access. */
const OF_CONNECTION = /^(E[A-Z]+|08...|25P03|57014|57P0[1-3]|53300|28...|3D000)$/;

function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") return OF_CONNECTION.test(error.code);
  return /connection (terminated|timeout)|query read timeout|timeout exceeded when trying to connect|not queryable/i.test(
    error.message,
  );
}
