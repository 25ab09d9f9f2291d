// For the tests of collections: a store with something in it, and time that passes between collections.
import { blobKeyOf, blobsPrefix } from "../layout.ts";
import { GARBAGE_AGE_MS_DEFAULT } from "../limits.ts";
import { listAll } from "../list-all.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import type { Registry } from "../registry.ts";
import {
  alpha,
  createTestRegistry,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "../test-registry.ts";
import type { Collection, CollectRequest } from "./collect-garbage.ts";
import type { Removed } from "./collecting.ts";

export const owner = { tenant: alpha, name: router };
export const dataset = {
  ...{ bytes: encode("text,label\na,b\n"), rows: 1, labels: ["b"], fileName: "a.csv" },
  ...{ mediaType: "text/csv" as const, columns: { text: "text", label: "label" } },
};

/** Three versions of which production points at the last, and a dataset. */
export async function createScene(): Promise<TestRegistry> {
  const test = createTestRegistry();
  for (const text of ["one", "two", "three"]) await test.registry.publish(alpha, publishRequest(text));
  await test.registry.putDataset(alpha, dataset);
  return test;
}

interface Collected {
  readonly collection: Collection;
  readonly removed: readonly Removed[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function collect(registry: Registry, request: CollectRequest = {}): Promise<Collected> {
  const removed: Removed[] = [];
  const collection = await registry.collectGarbage(alpha, {
    ...request,
    onRemoved: (item) => removed.push(item),
  });
  const counts = Object.fromEntries(Object.entries(collection).map(([kind, { count }]) => [kind, count]));
  return { collection, removed, counts };
}

/** So many collections, each a grace time after the one before; what the last one told. */
export async function collectLater(
  { clock, registry }: Pick<TestRegistry, "clock" | "registry">,
  collections = 1,
): Promise<Collected> {
  clock.nowMs += GARBAGE_AGE_MS_DEFAULT;
  const collected = await collect(registry);
  return collections > 1 ? collectLater({ clock, registry }, collections - 1) : collected;
}

/** Keys of blobs, without their marks. */
export async function blobsOf(store: ObjectStore): Promise<string[]> {
  const { keys } = await listAll(store, { prefix: blobsPrefix(alpha) });
  return keys.filter((key) => blobKeyOf(key) === key);
}
