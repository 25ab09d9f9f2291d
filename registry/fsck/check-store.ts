// Reads a whole store, or one tenant's part, and tells what is not as it should be. Goes through one
// listing in the order of keys, a page at a time, and looks at each object by its kind. What is younger
// than the grace time may be in the middle of a change, and what such a change leaves open is no finding.
import { tenantPrefix, tenantsPrefix } from "../layout.ts";
import {
  BLOBS_COMPARED_AT_ONCE,
  CHECKED_BYTES_IN_FLIGHT_MAX,
  GARBAGE_AGE_MS_MIN,
  STORE_REQUESTS_IN_FLIGHT_MAX,
} from "../limits.ts";
import type { ObjectDetails, ObjectStore } from "../object-store/object-store.ts";
import { parseTenantId, type TenantId } from "../registry.ts";
import { objectPages, parsed, storeTimeMs } from "../walk-store.ts";
import type { CheckContext } from "./check-context.ts";
import { checkObject } from "./check-object.ts";
import { findUnnamed } from "./find-unnamed.ts";
import { type Finding, meaningByCode } from "./findings.ts";

export interface CheckStoreOptions {
  /** Default: all, and what is no tenant's. */
  readonly tenant?: TenantId;
  /** Repairs what is safe to repair. Never removes what a manifest or a dataset names. */
  readonly repair?: boolean;
  /** What is younger, by the store's clock, is not called left over. Default GARBAGE_AGE_MS_MIN. */
  readonly graceMs?: number;
  readonly onFinding?: (finding: Finding) => void;
  readonly onProgress?: (checked: CheckedCount) => void;
}

export interface CheckedCount {
  objects: number;
  bytes: number;
}

export interface StoreCheck extends CheckedCount {
  found: number;
  repaired: number;
}

/** Throws store_unreachable, store_refused. */
export async function checkStore(store: ObjectStore, options: CheckStoreOptions = {}): Promise<StoreCheck> {
  const { tenant, repair = false, graceMs = GARBAGE_AGE_MS_MIN, onFinding, onProgress } = options;
  const total: StoreCheck = { objects: 0, bytes: 0, found: 0, repaired: 0 };
  const youngFromMs = (await storeTimeMs(store)) - graceMs;
  const context: CheckContext = {
    store,
    blobs: new Set(),
    isYoung: (modifiedMs) => modifiedMs > youngFromMs,
    report: async (code, key, { detail, repair: mend } = {}) => {
      const repaired = repair && mend !== undefined;
      if (repaired) await mend();
      total.found += 1;
      total.repaired += repaired ? 1 : 0;
      onFinding?.({ code, key, ...meaningByCode[code], ...(detail !== undefined && { detail }), repaired });
    },
  };
  // What a process that died has written aside is no object: the store itself removes it.
  if (repair) await store.check();
  await walk(context, tenant === undefined ? "" : tenantPrefix(tenant), ({ bytes }) => {
    total.objects += 1;
    total.bytes += bytes;
    onProgress?.(total);
  });
  return total;
}

async function walk(
  context: CheckContext,
  prefix: string,
  onChecked: (object: ObjectDetails) => void,
): Promise<void> {
  let walked: TenantId | undefined;
  for await (const page of objectPages(context.store, prefix)) {
    for (const group of inBoundedGroups(page)) {
      const tenant = tenantOf(group[0]?.key ?? "");
      if (walked !== undefined && (tenant !== walked || context.blobs.size >= BLOBS_COMPARED_AT_ONCE)) {
        await findUnnamed(context, walked);
      }
      walked = tenant;
      await Promise.all(
        group.map(async (object) => {
          await checkObject(context, object);
          onChecked(object);
        }),
      );
    }
  }
  if (walked !== undefined) await findUnnamed(context, walked);
}

/** Neighbours of one tenant that are read at once: few enough, and not too large together. */
function* inBoundedGroups(page: readonly ObjectDetails[]): Generator<readonly ObjectDetails[]> {
  let group: ObjectDetails[] = [];
  let bytes = 0;
  for (const object of page) {
    const isFull =
      group.length >= STORE_REQUESTS_IN_FLIGHT_MAX ||
      bytes + object.bytes > CHECKED_BYTES_IN_FLIGHT_MAX ||
      tenantOf(object.key) !== tenantOf(group[0]?.key ?? object.key);
    if (isFull && group.length > 0) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(object);
    bytes += object.bytes;
  }
  if (group.length > 0) yield group;
}

function tenantOf(key: string): TenantId | undefined {
  if (!key.startsWith(tenantsPrefix)) return undefined;
  return parsed(() => parseTenantId(key.split("/")[1] ?? ""));
}
