// Job records, opaque but for one thing: a record whose "state" is final is of a finished job. Jobs
// that are not finished have a mark of their own, so that start-up need not read all that ever ran.
// The mark is set before the record and removed after it: a crash between leaves one too many, never
// one too few.

import { z } from "zod";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { jobKey, lastSegment, tenantsPrefix, unfinishedJobKey, unfinishedJobsPrefix } from "./layout.ts";
import { JOB_RECORD_BYTES_MAX } from "./limits.ts";
import { listAll } from "./list-all.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { encodeRecord, readRecord } from "./records.ts";
import { parseTenantId, type TenantId } from "./registry.ts";

const JOB_ID = /^[A-Za-z0-9_-]{1,64}$/;
const finalStates: readonly unknown[] = ["succeeded", "failed"];

interface UnfinishedJob {
  readonly tenant: TenantId;
  readonly id: string;
  readonly record: unknown;
}

/** Throws invalid_name, limit_exceeded. */
export async function putJob(
  context: RegistryContext,
  tenant: TenantId,
  { id, record }: { id: string; record: unknown },
): Promise<void> {
  if (!JOB_ID.test(id)) {
    throw new RegistryError("invalid_name", 'A job id has letters, digits, "-" and "_", at most 64.');
  }
  const bytes = encodeRecord(record);
  if (bytes.byteLength > JOB_RECORD_BYTES_MAX) {
    const message = `A job record has at most ${JOB_RECORD_BYTES_MAX} bytes, and this one ${bytes.byteLength}.`;
    throw new RegistryError("limit_exceeded", message);
  }
  await context.ensureLayout();
  const mark = unfinishedJobKey(tenant, id);
  const finished = isFinished(record);
  if (!finished) await context.store.put(mark, new Uint8Array(), { ifNoneMatch: "*" });
  await context.store.put(jobKey(tenant, id), bytes);
  if (finished) await context.store.delete(mark);
}

/** Undefined when the tenant has no such job. */
export async function getJob({ store }: RegistryContext, tenant: TenantId, id: string): Promise<unknown> {
  if (!JOB_ID.test(id)) return undefined;
  return (await readRecord(store, jobKey(tenant, id), z.unknown()))?.value;
}

/** Reads the marks of every tenant and the record of each; removes marks that a crash left behind. */
export async function listUnfinishedJobs(context: RegistryContext): Promise<UnfinishedJob[]> {
  const { prefixes } = await listAll(context.store, { prefix: tenantsPrefix, delimiter: "/" });
  const tenants = prefixes.map((folder) => parseTenantId(lastSegment(folder)));
  const marks = await mapInParallel(tenants, async (tenant) => {
    const { keys } = await listAll(context.store, { prefix: unfinishedJobsPrefix(tenant) });
    return keys.map((key) => ({ tenant, id: lastSegment(key) }));
  });
  const jobs = await mapInParallel(marks.flat(), async ({ tenant, id }) => {
    const record = await getJob(context, tenant, id);
    if (isFinished(record)) await context.store.delete(unfinishedJobKey(tenant, id));
    // A mark without a record is of a job that is just being opened, or never was.
    return record === undefined || isFinished(record) ? undefined : { tenant, id, record };
  });
  return jobs.filter((job) => job !== undefined);
}

/** Of a job's record. */
export function isFinished(record: unknown): boolean {
  const state = typeof record === "object" && record !== null && "state" in record ? record.state : undefined;
  return finalStates.includes(state);
}
