// Checks of a store: whether it answers, keeps to conditional writes and is of this layout; its clock; who may read
// it; and whether anybody has a key.
import { stat } from "node:fs/promises";
import {
  createRegistry,
  folderOfStore,
  type ObjectStore,
  openObjectStore,
  requireKnownLayout,
  storeTimeMs,
} from "#registry";
import { type Check, ok, warning } from "./finding.ts";

/** Clocks that differ by more end keys early or late, and make signatures of S3 requests invalid in the end. */
const SKEW_MS_ADVISED = 5_000;
const TENANTS_LOOKED_AT_MAX = 100;

export function storeChecks(storeUrl: string): readonly Check[] {
  const withStore = <Result>(use: (store: ObjectStore) => Promise<Result>) => openAndUse(storeUrl, use);
  return [
    { name: "store", run: () => checkStore(storeUrl, withStore) },
    { name: "clock", run: () => withStore(checkClock) },
    { name: "permissions", run: () => checkPermissions(storeUrl) },
    { name: "keys", run: () => withStore(checkKeys) },
  ];
}

/** Whether there is a folder yet, where the store is one. */
export async function isThere(storeUrl: string): Promise<boolean> {
  const folder = folderOfStore(storeUrl);
  return folder === undefined || (await stat(folder).catch(() => undefined)) !== undefined;
}

async function openAndUse<Result>(
  storeUrl: string,
  use: (store: ObjectStore) => Promise<Result>,
): Promise<Result> {
  const store = await openObjectStore(storeUrl);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function checkStore(
  storeUrl: string,
  withStore: <Result>(use: (store: ObjectStore) => Promise<Result>) => Promise<Result>,
) {
  return withStore(async (store) => {
    await store.check();
    await requireKnownLayout(store);
    return ok(
      `${storeUrl.startsWith("s3:") ? store.description : storeUrl} answers, and keeps to conditions`,
    );
  });
}

async function checkClock(store: ObjectStore) {
  const before = Date.now();
  const storeMs = await storeTimeMs(store);
  const after = Date.now();
  const skewMs = storeMs < before ? before - storeMs : Math.max(0, storeMs - after);
  // Stores tell whole seconds.
  const said = `the store's clock is ${Math.round(skewMs / 1_000)} s from this one`;
  if (skewMs <= SKEW_MS_ADVISED) return ok(said);
  return warning(
    said,
    "Keep both clocks right (NTP): keys expire by this one, garbage is aged by the store's.",
  );
}

async function checkPermissions(storeUrl: string) {
  const folder = folderOfStore(storeUrl);
  if (folder === undefined) return ok("of the store are its bucket's");
  const { mode } = await stat(folder);
  if (process.platform === "win32" || (mode & 0o007) === 0) return ok(`${folder} is closed to others`);
  const remedy = `chmod -R o-rwx ${folder}: it holds texts, adapters and hashes of keys.`;
  return warning(`everybody on this machine may read ${folder}`, remedy);
}

async function checkKeys(store: ObjectStore) {
  const registry = createRegistry({ store });
  let tenants = 0;
  for await (const tenant of registry.listTenants()) {
    const { keys } = await registry.listKeys(tenant, { limit: 1 });
    if (keys.length > 0) return ok(`tenant ${tenant} has a key`);
    tenants += 1;
    if (tenants === TENANTS_LOOKED_AT_MAX)
      return ok(`of ${tenants} tenants none has a key; not all were asked`);
  }
  return warning("there is no key of the HTTP API", "softgate tenants create NAME, or softgate keys create.");
}
