// A tenant's audit: one object for each change, written once, named so that a listing begins with the
// newest. Adapters' changes come from their logs, after they took effect; the entry of any other change
// is written before it, so that one that died between leaves an entry without effect, never the reverse.
import { type AuditEntry, auditEntrySchema } from "./change.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { auditKey, auditPrefix, auditRank, lastSegment } from "./layout.ts";
import { AUDIT_ENTRIES_PER_PAGE_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit, encodeRecord, putIf, readRecord } from "./records.ts";
import type { TenantId } from "./registry.ts";

export interface AuditPage {
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit?: number;
  /** Entries of this time and later. */
  readonly since?: Date;
  /** Entries of this time and earlier. */
  readonly until?: Date;
}

const CURSOR = /^\d{13}-[0-9a-f]{32}$/;

/** The same entry again is written once. */
export async function writeAudit(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
  entry: AuditEntry,
): Promise<void> {
  // In the schema's order of fields: an entry that is written again has the same bytes.
  const bytes = encodeRecord(auditEntrySchema.parse(entry));
  await putIf(store, auditKey(tenant, entry), { bytes, condition: { ifNoneMatch: "*" } });
}

/** Newest first. Throws invalid_name for a cursor that no page has given. */
export async function listAudit(
  context: RegistryContext,
  tenant: TenantId,
  { after, limit, since, until }: AuditPage = {},
): Promise<{ entries: AuditEntry[]; next?: string }> {
  if (after !== undefined && !CURSOR.test(after)) {
    throw new RegistryError("invalid_name", "This is no place in the audit: give the next of a page before.");
  }
  const prefix = auditPrefix(tenant);
  const start = after === undefined ? until && `${prefix}${auditRank(until)}` : `${prefix}${after}.json`;
  const { keys, next } = await context.store.list({
    prefix,
    limit: clampLimit(limit, AUDIT_ENTRIES_PER_PAGE_MAX),
    ...(start !== undefined && { after: start }),
  });
  const end = since && `${prefix}${auditRank(since)}~`;
  const wanted = end === undefined ? keys : keys.filter((key) => key < end);
  const found = await mapInParallel(wanted, (key) => readRecord(context.store, key, auditEntrySchema));
  const entries = found.filter((entry) => entry !== undefined).map(({ value }) => value);
  return next === undefined || wanted.length < keys.length
    ? { entries }
    : { entries, next: lastSegment(next).replace(".json", "") };
}
