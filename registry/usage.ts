// How many adapters and bytes a tenant has, in one record of its own, changed by compare-and-swap. What is to
// be written is reserved first, against the tenant's limits and in the same swap, so that no number of writers
// goes past a limit together. What is freed is released after. So a crash, or a lost reply, leaves the record
// above the truth, never below it; a recount puts it right. Bytes are those of blobs and of feedback: freed when
// these are removed from the store, which is when a recount is due.
import { z } from "zod";
import { EMPTY_STATE, stateSchema } from "./adapter-state.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { datasetSchema } from "./dataset-record.ts";
import { RegistryError } from "./errors.ts";
import {
  type AdapterOwner,
  adaptersPrefix,
  datasetsPrefix,
  feedbackPrefix,
  lastSegment,
  manifestsPrefix,
  stateKey,
  uploadsPrefix,
  usageKey,
  versionOfKey,
} from "./layout.ts";
import { SWAP_ATTEMPTS_MAX } from "./limits.ts";
import { listPages } from "./list-all.ts";
import { decodeManifest } from "./manifest.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import { parseAdapterName, type TenantId } from "./registry.ts";
import { readTenantLimits, requireWithin } from "./tenant-limits.ts";
import { objectPages } from "./walk-store.ts";

export const usageSchema = z.strictObject({
  adapters: z.int().min(0),
  bytes: z.int().min(0),
  /** Of the writer: two that write the same numbers write different bytes. */
  nonce: z.string(),
});

/** What counts of an upload's record (uploads.ts). */
const reservationSchema = z.object({ bytes: z.int() });

export interface Amounts {
  readonly adapters: number;
  readonly bytes: number;
}

/** Before it is written. Throws quota_exceeded, conflict. */
export async function reserve(
  context: RegistryContext,
  tenant: TenantId,
  { adapters = 0, bytes = 0 }: Partial<Amounts>,
): Promise<void> {
  if (adapters === 0 && bytes === 0) return;
  const limits = await readTenantLimits(context, tenant);
  await changeUsage(context, tenant, (used) => {
    requireWithin("adapters", { limit: limits.adapters, used: used.adapters, more: adapters });
    requireWithin("bytes", { limit: limits.bytes, used: used.bytes, more: bytes });
    return { adapters: used.adapters + adapters, bytes: used.bytes + bytes };
  });
}

/** After it is gone. Where this fails the record stays too high, until it is counted again. */
export async function release(
  context: RegistryContext,
  tenant: TenantId,
  { adapters = 0, bytes = 0 }: Partial<Amounts>,
): Promise<void> {
  const lower = (used: Amounts) => ({ adapters: used.adapters - adapters, bytes: used.bytes - bytes });
  await changeUsage(context, tenant, lower).catch(() => undefined);
}

/** As the record says; counted, and recorded, where there is none. */
export async function readUsage(context: RegistryContext, tenant: TenantId): Promise<Amounts> {
  const found = await readRecord(context.store, usageKey(tenant), usageSchema);
  return found?.value ?? changeUsage(context, tenant, (used) => used);
}

/** As the record says; counted where there is none. Writes nothing. */
export async function peekUsage(context: RegistryContext, tenant: TenantId): Promise<Amounts> {
  const found = await readRecord(context.store, usageKey(tenant), usageSchema);
  return found?.value ?? countUsage(context, tenant);
}

/**
 * Reads every manifest and dataset record of the tenant. What is reserved meanwhile counts, at worst twice.
 * Call it after blobs were removed. Throws conflict, blob_corrupt, invalid_manifest.
 */
export async function recountUsage(context: RegistryContext, tenant: TenantId): Promise<Amounts> {
  const before = await readUsage(context, tenant);
  const counted = await countUsage(context, tenant);
  return changeUsage(context, tenant, (now) => ({
    adapters: counted.adapters + now.adapters - before.adapters,
    bytes: counted.bytes + now.bytes - before.bytes,
  }));
}

async function changeUsage(
  context: RegistryContext,
  tenant: TenantId,
  change: (used: Amounts) => Amounts,
): Promise<Amounts> {
  const key = usageKey(tenant);
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
    const current = await readRecord(context.store, key, usageSchema);
    const { adapters, bytes } = change(current?.value ?? (await countUsage(context, tenant)));
    const next = { adapters: Math.max(adapters, 0), bytes: Math.max(bytes, 0) };
    const condition = current ? { ifMatch: current.etag } : ({ ifNoneMatch: "*" } as const);
    await context.ensureLayout();
    const record = encodeRecord({ ...next, nonce: createNonce(context) });
    if (await putIf(context.store, key, { bytes: record, condition })) return next;
  }
  throw new RegistryError("conflict", "Too many write for this tenant at once: do it again.");
}

/** Every blob that a manifest or a dataset names, once, and all feedback; every adapter that is there and not deleted. */
async function countUsage(context: RegistryContext, tenant: TenantId): Promise<Amounts> {
  const blobs = new Map<string, number>();
  let feedbackBytes = 0;
  let reservedBytes = 0;
  const add = ({ digest, bytes }: { digest: string; bytes: number }) => void blobs.set(digest, bytes);
  // Reserved by uploads that are not yet completed, each by itself, whatever its content: so they are released, too.
  // Before datasets: one that is completed meanwhile is counted twice at worst, and never left out.
  for await (const { keys } of listPages(context.store, { prefix: uploadsPrefix(tenant) })) {
    const records = await mapInParallel(keys, (key) => readRecord(context.store, key, reservationSchema));
    for (const record of records) reservedBytes += record?.value.bytes ?? 0;
  }
  for await (const { keys } of listPages(context.store, { prefix: datasetsPrefix(tenant) })) {
    const records = await mapInParallel(keys, (key) => readRecord(context.store, key, datasetSchema));
    for (const record of records) if (record) add(record.value);
  }
  let adapters = 0;
  for await (const { prefixes } of listPages(context.store, {
    prefix: adaptersPrefix(tenant),
    delimiter: "/",
  })) {
    for (const folder of prefixes) {
      const owner = { tenant, name: parseAdapterName(lastSegment(folder)) };
      if (await countAdapter(context, owner, add)) adapters += 1;
      feedbackBytes += await countFeedback(context, owner);
    }
  }
  const counted = [...blobs.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { adapters, bytes: counted + feedbackBytes + reservedBytes };
}

/** In bytes, that of deleted versions included: it is there until it is collected. */
async function countFeedback({ store }: RegistryContext, owner: AdapterOwner): Promise<number> {
  let total = 0;
  for await (const page of objectPages(store, feedbackPrefix(owner))) {
    total += page.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  return total;
}

/** Whether it is there. */
async function countAdapter(
  { store }: RegistryContext,
  owner: AdapterOwner,
  add: (blob: { digest: string; bytes: number }) => void,
): Promise<boolean> {
  const { name } = owner;
  let versions = 0;
  for await (const { keys } of listPages(store, { prefix: manifestsPrefix(owner) })) {
    versions += keys.length;
    await mapInParallel(keys, async (key) => {
      const stored = await store.get(key);
      if (!stored) return;
      decodeManifest(stored.bytes, { name, version: versionOfKey(key) }).manifest.files.forEach(add);
    });
  }
  const state = (await readRecord(store, stateKey(owner), stateSchema))?.value ?? EMPTY_STATE;
  return versions > 0 && state.deleted === undefined;
}
