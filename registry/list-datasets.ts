// Pages of a tenant's datasets: one listing of their records for each, and one read for each of these. In the order of
// their ids, which says nothing of their age.
import type { RegistryContext } from "./context.ts";
import { datasetSchema } from "./dataset-record.ts";
import { RegistryError } from "./errors.ts";
import { DATASET_ID, datasetKey, datasetsPrefix, lastSegment } from "./layout.ts";
import { DATASETS_PER_PAGE_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { clampLimit, readRecord } from "./records.ts";
import type { DatasetRecord, DatasetSummary, TenantId } from "./registry.ts";

/** As Registry.listDatasets. Throws invalid_name, blob_corrupt. */
export async function listDatasets(
  { store }: RegistryContext,
  tenant: TenantId,
  { limit, after }: { limit?: number; after?: string } = {},
): Promise<{ datasets: DatasetSummary[]; next?: string }> {
  if (after !== undefined && !DATASET_ID.test(after)) {
    throw new RegistryError("invalid_name", "after is no dataset's id: give the next of the page before.");
  }
  const { keys, next } = await store.list({
    prefix: datasetsPrefix(tenant),
    limit: clampLimit(limit, DATASETS_PER_PAGE_MAX),
    ...(after !== undefined && { after: datasetKey(tenant, after) }),
  });
  const found = await mapInParallel(keys, async (key) => {
    const record = await readRecord(store, key, datasetSchema);
    // Without its labels at once: those of a page would be most of its bytes in memory.
    return record && summaryOf(record.value);
  });
  const datasets = found.filter((dataset) => dataset !== undefined);
  return { datasets, ...(next !== undefined && { next: lastSegment(next).replace(".json", "") }) };
}

function summaryOf({ labels, copy: _, ...rest }: DatasetRecord): DatasetSummary {
  return { ...rest, labelCount: labels.length };
}
