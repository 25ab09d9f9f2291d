// Walks what may be too much for one listing: page by page, so that memory holds one page.
import { randomUUID } from "node:crypto";
import { lastSegment, tenantsPrefix } from "./layout.ts";
import type { ObjectDetails, ObjectStore } from "./object-store/object-store.ts";
import { parseTenantId, type TenantId } from "./registry.ts";

/** Pages of objects with their sizes and times, in the order of their keys. */
export async function* objectPages(
  store: ObjectStore,
  prefix: string,
): AsyncGenerator<readonly ObjectDetails[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.list({ prefix, withDetails: true, ...(after !== undefined && { after }) });
    if (!page.objects) throw new Error(`invariant: ${store.description} lists without details`);
    yield page.objects;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** "prefix…/" groups, without what is in them. */
export async function* groupsOf(store: ObjectStore, prefix: string): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const page = await store.list({ prefix, delimiter: "/", ...(after !== undefined && { after }) });
    yield* page.prefixes;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** Those that have anything; names that are no tenant's are passed over. */
export async function* tenantsOf(store: ObjectStore): AsyncGenerator<TenantId> {
  for await (const group of groupsOf(store, tenantsPrefix)) {
    const tenant = parsed(() => parseTenantId(lastSegment(group)));
    if (tenant !== undefined) yield tenant;
  }
}

/** Undefined where nothing is thrown but a name's error. */
export function parsed<Name>(parse: () => Name): Name | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

export async function detailsOf(store: ObjectStore, key: string): Promise<ObjectDetails | undefined> {
  const { objects } = await store.list({ prefix: key, limit: 1, withDetails: true });
  return objects?.[0]?.key === key ? objects[0] : undefined;
}

/** The time by the store's clock: that of an object that is written for it and removed. */
export async function storeTimeMs(store: ObjectStore): Promise<number> {
  const key = `probes/${randomUUID()}`;
  try {
    await store.put(key, new Uint8Array());
    const probe = await detailsOf(store, key);
    if (!probe) throw new Error(`invariant: ${key} was written and is not listed`);
    return probe.modifiedMs;
  } finally {
    await store.delete(key);
  }
}
