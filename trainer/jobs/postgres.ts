// A Postgres server as job database: a pool, and a connection of its own that listens.
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { TrainerError } from "../errors.ts";
import type { JobDatabase, Queryable, Row } from "./database.ts";

/** Of one process; the listener is one more. */
const CONNECTIONS_MAX = 10;
const CONNECT_MS_MAX = 5_000;
const RECONNECT_MS = 1_000;
/** A process that stands still within a transaction, or was cut off, holds the lock of the queue no longer than this. */
const IDLE_IN_TRANSACTION_MS_MAX = 30_000;
const BEGIN = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS_MAX}`;

/** Connects at the first query. Throws TrainerError jobs_unavailable for what is no postgres URL. */
export function openPostgres(url: string): JobDatabase {
  const connection = { connectionString: url, application_name: "softgate", keepAlive: true };
  const pool = new pg.Pool({
    ...connection,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
  });
  // A connection that breaks while nobody uses it: the next query opens another.
  pool.on("error", () => undefined);
  return {
    description: describe(url),
    isShared: true,
    query: (text, values) => run(pool, text, values),
    transaction: (work) => transact(pool, work),
    listen: (channel, onPayload) => listen(connection, channel, onPayload),
    close: () => pool.end(),
  };
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

async function transact<Value>(pool: pg.Pool, work: (tx: Queryable) => Promise<Value>): Promise<Value> {
  const client = await pool.connect().catch((error: unknown) => {
    throw unavailable(error);
  });
  // The pool listens to idle connections alone. A query that is under way rejects besides.
  const ignore = () => undefined;
  client.on("error", ignore);
  let broken: Error | undefined;
  try {
    await run(client, BEGIN);
    const value = await work({ query: (text, values) => run(client, text, values) });
    await run(client, "COMMIT");
    return value;
  } catch (error) {
    await run(client, "ROLLBACK").catch((failed: Error) => {
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
  let client: pg.Client | undefined;
  const connect = async () => {
    const opened = new pg.Client({ ...connection, connectionTimeoutMillis: CONNECT_MS_MAX });
    client = opened;
    opened.on("notification", ({ payload = "" }) => onPayload(payload));
    opened.on("error", () => undefined); // It ends too.
    opened.once("end", () => void reconnect());
    await opened.connect();
    await opened.query(`LISTEN ${channel}`);
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
    await client?.end().catch(() => undefined);
  };
}

function unavailable(cause: unknown): TrainerError {
  const message = "The job database does not answer: is its server up, and DATABASE_URL right?";
  return new TrainerError("jobs_unavailable", message, { cause });
}

/** Codes of Node.js's sockets, and of Postgres: of connections, idle too long, shut down, too many, no access. */
const OF_CONNECTION = /^(E[A-Z]+|08...|25P03|57P0[1-3]|53300|28...|3D000)$/;

function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") return OF_CONNECTION.test(error.code);
  return /connection (terminated|timeout)|timeout exceeded when trying to connect|not queryable/i.test(
    error.message,
  );
}
