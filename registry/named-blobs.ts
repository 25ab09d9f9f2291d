// Which blobs does anything name? Manifests name files, dataset records their bytes; nothing else names
// a blob. All of a tenant's are read; the blobs in question are held in memory, the manifests are not.
import type { RegistryContext } from "./context.ts";
import { datasetSchema } from "./dataset-record.ts";
import {
  adaptersPrefix,
  blobKey,
  datasetsPrefix,
  lastSegment,
  manifestsPrefix,
  versionOfKey,
} from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import { readRecord } from "./records.ts";
import { parseAdapterName, type TenantId } from "./registry.ts";
import { groupsOf, objectPages } from "./walk-store.ts";

type Store = Pick<RegistryContext, "store">;

/**
 * Takes those that are named out of the set of blobs' keys. Any manifest that stands counts, of a deleted version too.
 * Throws invalid_manifest, blob_corrupt: what cannot be read may name anything.
 */
export async function dropNamed(context: Store, tenant: TenantId, blobs: Set<string>): Promise<void> {
  for await (const { manifest } of manifestsOf(context, tenant)) {
    for (const file of manifest.files) blobs.delete(blobKey(tenant, file));
    if (blobs.size === 0) return;
  }
  for await (const page of objectPages(context.store, datasetsPrefix(tenant))) {
    const found = await mapInParallel(page, ({ key }) => readRecord(context.store, key, datasetSchema));
    for (const record of found) if (record) blobs.delete(blobKey(tenant, record.value));
  }
}

/** Every manifest that stands. */
export async function* manifestsOf(
  { store }: Store,
  tenant: TenantId,
): AsyncGenerator<{ name: string; version: number; manifest: Manifest }> {
  for await (const group of groupsOf(store, adaptersPrefix(tenant))) {
    const name = parseAdapterName(lastSegment(group));
    for await (const page of objectPages(store, manifestsPrefix({ tenant, name }))) {
      const found = await mapInParallel(page, async ({ key }) => {
        const stored = await store.get(key);
        const version = versionOfKey(key);
        return stored && { name, version, ...decodeManifest(stored.bytes, { name, version }) };
      });
      yield* found.filter((entry) => entry !== undefined);
    }
  }
}
