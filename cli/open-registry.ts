// The registry on a store URL, closed again whatever happens.
import { parsePublishedAdapter } from "#model";
import { createRegistry, type ObjectStore, openObjectStore, type Registry } from "#registry";

export async function withRegistry<Result>(
  storeUrl: string,
  use: (registry: Registry, store: ObjectStore) => Promise<Result>,
): Promise<Result> {
  const store = await openObjectStore(storeUrl);
  try {
    return await use(createRegistry({ store, checkAdapter: parsePublishedAdapter }), store);
  } finally {
    await store.close();
  }
}
