// The tables of jobs, beside those that pg-boss keeps of its queue: what each job is, every event of its life, and
// whose turn it is. Names of schemas are the program's own, never a caller's.
import type { Queryable } from "./database.ts";

export const SCHEMA_DEFAULT = "softgate";
const SCHEMA_VERSION = 3;

/** Held by every transaction that changes a job's state, until it ends: they come one after another, in any process. */
export const QUEUE_LOCK = "select pg_advisory_xact_lock(hashtext('softgate queue'))";

/** pg-boss has a schema of its own. */
export function bossSchemaOf(schema: string): string {
  return `${schema}_boss`;
}

/** Where pg_notify tells what changed: "<job id> <state>". */
export function channelOf(schema: string): string {
  return `${schema}_jobs`;
}

/** Several processes may call it at once. In a transaction. Throws for tables of another version. */
export async function createTables(tx: Queryable, schema: string): Promise<void> {
  await tx.query(QUEUE_LOCK);
  await tx.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  await tx.query(`CREATE TABLE IF NOT EXISTS ${schema}.version (number integer NOT NULL)`);
  const { rows } = await tx.query(`SELECT number FROM ${schema}.version`);
  const found = rows[0]?.number;
  if (found === SCHEMA_VERSION) return;
  if (found !== undefined) {
    throw new Error(
      `The job database has tables of version ${found}, and this Softgate knows ${SCHEMA_VERSION}: use another database.`,
    );
  }
  await tx.query(tablesOf(schema));
  await tx.query(`INSERT INTO ${schema}.version VALUES ($1)`, [SCHEMA_VERSION]);
}

function tablesOf(schema: string): string {
  return `
    CREATE TABLE ${schema}.jobs (
      id uuid PRIMARY KEY,
      -- In the order of submission.
      number bigint GENERATED ALWAYS AS IDENTITY,
      tenant text NOT NULL,
      idempotency_key text,
      adapter_name text NOT NULL,
      dataset_id text NOT NULL,
      options jsonb NOT NULL,
      retraining jsonb,
      origin jsonb,
      submitted_by jsonb,
      priority integer NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
      -- Why it came to this state.
      cause text NOT NULL,
      attempt integer NOT NULL DEFAULT 0,
      -- Not begun before; later than created_at where an attempt failed.
      ready_at timestamptz NOT NULL,
      -- For good: what began to publish may have published.
      publishing boolean NOT NULL DEFAULT false,
      phase text,
      progress double precision NOT NULL DEFAULT 0,
      report jsonb,
      adapter jsonb,
      error jsonb,
      events integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX jobs_by_key ON ${schema}.jobs (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
    CREATE INDEX jobs_by_number ON ${schema}.jobs (tenant, number DESC);
    CREATE INDEX jobs_by_state ON ${schema}.jobs (tenant, state, number DESC);
    CREATE INDEX jobs_by_adapter ON ${schema}.jobs (tenant, adapter_name, number DESC);
    CREATE INDEX jobs_unfinished ON ${schema}.jobs (state, tenant) WHERE state IN ('queued', 'running');
    CREATE INDEX jobs_by_age ON ${schema}.jobs (updated_at);

    CREATE TABLE ${schema}.job_events (
      job_id uuid NOT NULL REFERENCES ${schema}.jobs ON DELETE CASCADE,
      seq integer NOT NULL,
      at timestamptz NOT NULL,
      data jsonb NOT NULL,
      PRIMARY KEY (job_id, seq)
    );

    CREATE TABLE ${schema}.webhooks (
      id uuid PRIMARY KEY,
      number bigint GENERATED ALWAYS AS IDENTITY,
      tenant text NOT NULL,
      url text NOT NULL,
      events jsonb NOT NULL,
      -- Not hashed: messages are signed with it.
      secret text NOT NULL,
      created_at timestamptz NOT NULL
    );
    CREATE INDEX webhooks_by_tenant ON ${schema}.webhooks (tenant, number);

    -- A tenant's turn is over when one of its jobs is begun; who has waited longest is next.
    CREATE SEQUENCE ${schema}.turns;
    CREATE TABLE ${schema}.tenants (tenant text PRIMARY KEY, last_turn bigint NOT NULL, at timestamptz NOT NULL);
  `;
}
