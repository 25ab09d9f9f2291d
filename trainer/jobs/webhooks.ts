// Webhooks of tenants: where the ends of their jobs are told, signed by the Standard Webhooks scheme. What is to be told
// is put in line in the transaction that ends the job; it is sent from there, again with back-off until it is taken.
import { randomBytes, randomUUID } from "node:crypto";
import type { PgBoss } from "pg-boss";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import {
  type Job,
  type JobState,
  TrainerError,
  WEBHOOK_EVENTS,
  type WebhookEvent,
  type WebhookRecord,
  type WebhookStore,
} from "../job.ts";
import type { JobDatabase, Queryable, Row } from "./database.ts";
import { LISTED_COLUMNS, parseJobRow, uuidOf } from "./job-rows.ts";
import { postJson, requirePublicUrl } from "./post-webhook.ts";
import { within } from "./queue.ts";

export const WEBHOOK_QUEUE = "webhooks";
export const WEBHOOKS_PER_TENANT_MAX = 20;
/** Sent once more so often: with growing delays, over about a day. */
const RETRIES_MAX = 14;
const RETRY_DELAY_SECONDS_MAX = 6 * 60 * 60;
/** Sent at once by one server. */
const SENT_AT_ONCE_MAX = 4;
const SECRET_BYTES = 32;

const rowSchema = z.object({
  id: z.uuid(),
  tenant: z.string(),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  secret: z.string(),
  created_at: z.date().transform((date) => date.toISOString()),
});
/** With what is told, as it was then: a job that failed may be retried before its failure was taken. */
const messageSchema = z.object({
  webhookId: z.uuid(),
  jobId: z.string(),
  told: z.looseObject({ type: z.enum(WEBHOOK_EVENTS) }),
});

export interface WebhookOptions {
  /** Whether this process sends what waits to be sent. Default true. */
  readonly sendsWebhooks?: boolean;
  /** Whether addresses that are not public, and http, are sent to. Default false: a tenant names the URL. */
  readonly allowsPrivateWebhooks?: boolean;
  /** Before the second try; doubled with each. Default 5. */
  readonly webhookRetrySeconds?: number;
  readonly log: (event: Record<string, unknown>) => void;
}

interface Parts extends WebhookOptions {
  readonly database: JobDatabase;
  readonly schema: string;
  readonly boss: PgBoss;
}

export async function createWebhookQueue(
  boss: PgBoss,
  { webhookRetrySeconds = 5 }: WebhookOptions,
): Promise<void> {
  const settings = {
    retryLimit: RETRIES_MAX,
    retryDelay: webhookRetrySeconds,
    retryBackoff: true,
    retryDelayMax: RETRY_DELAY_SECONDS_MAX,
  };
  await boss.createQueue(WEBHOOK_QUEUE, settings);
  // One that an earlier process has made keeps its settings otherwise.
  await boss.updateQueue(WEBHOOK_QUEUE, settings);
}

/** Throws what WebhookStore says. */
export function createWebhookStore(parts: Parts): WebhookStore {
  const { database, schema } = parts;
  return {
    create: (tenant, { url, events }) =>
      database.transaction(async (tx) => {
        requirePublicUrl(url, parts.allowsPrivateWebhooks ?? false);
        await tx.query("SELECT pg_advisory_xact_lock(hashtext('softgate webhooks'))");
        await requireRoom(tx, schema, tenant);
        const secret = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
        const [id, createdAt] = [randomUUID(), new Date()];
        await tx.query(
          `INSERT INTO ${schema}.webhooks (id, tenant, url, events, secret, created_at)
           VALUES ($1, $2, $3, $4::jsonb, $5, $6)`,
          [id, tenant, url, JSON.stringify(events), secret, createdAt.toISOString()],
        );
        return { id, url, events, createdAt: createdAt.toISOString(), secret };
      }),
    async list(tenant) {
      const { rows } = await database.query(
        `SELECT * FROM ${schema}.webhooks WHERE tenant = $1 ORDER BY number`,
        [tenant],
      );
      return rows.map(recordOf);
    },
    async remove(tenant, id) {
      const { rows } = await database.query(
        `DELETE FROM ${schema}.webhooks WHERE tenant = $1 AND id = $2 RETURNING id`,
        [tenant, z.uuid().safeParse(id).data ?? null],
      );
      return rows.length > 0;
    },
  };
}

/** In the transaction that moves the job; of states that no webhook is told of it does nothing. */
export async function queueWebhooks(
  tx: Queryable,
  { schema, boss }: Pick<Parts, "schema" | "boss">,
  { id, state }: Pick<Job, "id" | "state">,
): Promise<void> {
  const event = eventOf(state);
  if (!event) return;
  const { rows } = await tx.query(
    `SELECT w.id FROM ${schema}.webhooks w JOIN ${schema}.jobs j USING (tenant)
     WHERE j.id = $1 AND w.events ? $2 ORDER BY w.id`,
    [uuidOf(id), event],
  );
  if (rows.length === 0) return;
  const { rows: jobs } = await tx.query(`SELECT ${LISTED_COLUMNS} FROM ${schema}.jobs WHERE id = $1`, [
    uuidOf(id),
  ]);
  const told = jobs[0] && payloadOf(parseJobRow(jobs[0]).job, event);
  for (const row of rows) {
    await boss.send(WEBHOOK_QUEUE, { webhookId: row.id, jobId: id, told }, { db: within(tx) });
  }
}

/** Until the queue is stopped. */
export async function sendWebhooks(parts: Parts): Promise<void> {
  const options = { localConcurrency: SENT_AT_ONCE_MAX, includeMetadata: true } as const;
  await parts.boss.work<unknown>(WEBHOOK_QUEUE, options, async (messages) => {
    for (const { id, data, retryCount } of messages) await send(parts, { id, data, retryCount });
  });
}

async function send(
  parts: Parts,
  { id, data, retryCount }: { id: string; data: unknown; retryCount: number },
): Promise<void> {
  const { database, schema, log } = parts;
  const { webhookId, jobId, told } = messageSchema.parse(data);
  const { rows } = await database.query(`SELECT * FROM ${schema}.webhooks WHERE id = $1`, [webhookId]);
  const [row] = rows;
  // It was removed meanwhile.
  if (!row) return;
  const { url, secret } = rowSchema.parse(row);
  const about = { webhookId, jobId, attempt: retryCount + 1 };
  const body = JSON.stringify(told);
  const sentAt = new Date();
  // The same for each try, so that a receiver knows what it has had.
  const messageId = `msg_${id}`;
  const headers = {
    "webhook-id": messageId,
    "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret).sign(messageId, sentAt, body),
  };
  try {
    const status = await postJson(url, {
      body,
      headers,
      allowsPrivate: parts.allowsPrivateWebhooks ?? false,
    });
    if (status < 200 || status > 299) throw new Error(`It answered ${status}.`);
    log({ event: "webhook_sent", ...about, status });
  } catch (error) {
    // Not its URL, which may hold a secret of the tenant's.
    const reason = error instanceof Error ? error.message : String(error);
    log({ event: "webhook_refused", ...about, reason });
    throw new Error(reason);
  }
}

function payloadOf(job: Job, event: WebhookEvent) {
  const { id, state, attempt, adapterName, datasetId, createdAt, updatedAt, adapter, error } = job;
  const data = { id, state, attempt, adapterName, datasetId, createdAt, updatedAt, adapter, error };
  return { type: event, timestamp: updatedAt, data };
}

function eventOf(state: JobState): WebhookEvent | undefined {
  return WEBHOOK_EVENTS.find((event) => event === `job.${state}`);
}

async function requireRoom(tx: Queryable, schema: string, tenant: string): Promise<void> {
  const { rows } = await tx.query(`SELECT count(*)::int AS count FROM ${schema}.webhooks WHERE tenant = $1`, [
    tenant,
  ]);
  if (Number(rows[0]?.count) < WEBHOOKS_PER_TENANT_MAX) return;
  const message = `A tenant has at most ${WEBHOOKS_PER_TENANT_MAX} webhooks: remove one.`;
  throw new TrainerError("webhook_limit", message);
}

function recordOf(row: Row): WebhookRecord {
  const { id, url, events, created_at: createdAt } = rowSchema.parse(row);
  return { id, url, events, createdAt };
}
