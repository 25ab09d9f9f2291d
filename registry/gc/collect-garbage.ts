// One collection of one tenant's garbage: first blobs that nothing names, then what is deleted and cannot be
// restored any more, whose blobs later collections find. In this order a mark that is out of date is renewed before
// anything stops to name its copy. Last goes what was kept of requests whose idempotency keys have expired. May run
// beside servers, publishes and other collections; one that was interrupted is simply run again.
import type { Actor } from "../change.ts";
import type { RegistryContext } from "../context.ts";
import { RegistryError } from "../errors.ts";
import { adaptersPrefix, lastSegment } from "../layout.ts";
import { GARBAGE_AGE_MS_DEFAULT, GARBAGE_AGE_MS_MIN } from "../limits.ts";
import { listPages } from "../list-all.ts";
import { mapInParallel } from "../map-in-parallel.ts";
import { removeExpiredOnce } from "../once.ts";
import { parseAdapterName, type TenantId } from "../registry.ts";
import { recountUsage } from "../usage.ts";
import { parsed, storeTimeMs } from "../walk-store.ts";
import { collectAdapter } from "./collect-adapter.ts";
import { collectBlobs } from "./collect-blobs.ts";
import { type Collecting, type CollectionProgress, type Removed, removedKinds } from "./collecting.ts";

export interface CollectRequest {
  /** Tells what would go, and changes nothing. */
  readonly dryRun?: boolean;
  /**
   * From marking a blob to removing it, by the store's clock; what is younger is not marked. Default
   * GARBAGE_AGE_MS_DEFAULT, at least GARBAGE_AGE_MS_MIN.
   */
  readonly graceMs?: number;
  readonly actor?: Actor;
  readonly onRemoved?: (removed: Removed) => void;
  /** What it throws ends the collection. */
  readonly onProgress?: (looked: Readonly<CollectionProgress>) => void;
}

export type Collection = Readonly<
  Record<Removed["kind"], { readonly count: number; readonly bytes: number }>
>;

/** Throws limit_exceeded, invalid_manifest and blob_corrupt where it cannot be told what is named, conflict. */
export async function collectGarbage(
  context: RegistryContext,
  tenant: TenantId,
  request: CollectRequest = {},
): Promise<Collection> {
  const { dryRun = false, graceMs = GARBAGE_AGE_MS_DEFAULT, actor, onRemoved, onProgress } = request;
  if (graceMs < GARBAGE_AGE_MS_MIN) {
    const message = `The grace time is at least ${GARBAGE_AGE_MS_MIN / 60_000} minutes: publishes and servers rely on it.`;
    throw new RegistryError("limit_exceeded", message);
  }
  if (!dryRun) await context.ensureLayout();
  const nowMs = await storeTimeMs(context.store);
  const progress: CollectionProgress = { adapters: 0, blobs: 0 };
  const removed = new Map(removedKinds.map((kind) => [kind, { count: 0, bytes: 0 }]));
  const run: Collecting = {
    ...{ context, tenant, dryRun, actor },
    isYoung: (modifiedMs) => modifiedMs > nowMs - graceMs,
    tell: (item) => {
      const total = removed.get(item.kind);
      if (total) Object.assign(total, { count: total.count + 1, bytes: total.bytes + item.bytes });
      onRemoved?.(item);
    },
    looked: ({ adapters = 0, blobs = 0 }) => {
      progress.adapters += adapters;
      progress.blobs += blobs;
      onProgress?.(progress);
    },
  };
  const hasRemoved = await collectBlobs(run);
  // What the blobs of removed versions take is free from here on, and no sooner.
  if (hasRemoved && !dryRun) await recountUsage(context, tenant);
  await collectAdapters(run);
  // They count for nobody, so nobody is told.
  if (!dryRun) await removeExpiredOnce(context, tenant, nowMs);
  return Object.fromEntries(removed) as Collection;
}

async function collectAdapters(run: Collecting): Promise<void> {
  const { context, tenant } = run;
  for await (const { prefixes } of listPages(context.store, {
    prefix: adaptersPrefix(tenant),
    delimiter: "/",
  })) {
    const names = prefixes.map((folder) => parsed(() => parseAdapterName(lastSegment(folder))));
    await mapInParallel(
      names.filter((name) => name !== undefined),
      (name) => collectAdapter(run, { tenant, name }),
    );
  }
}
