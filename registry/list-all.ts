import type { ObjectPage, ObjectStore } from "./object-store/object-store.ts";

/** Every page of a listing, one after another. Only where the number is small, or all are needed. */
export async function listAll(
  store: ObjectStore,
  options: { prefix: string; delimiter?: "/" },
): Promise<{ keys: string[]; prefixes: string[] }> {
  const all = { keys: [] as string[], prefixes: [] as string[] };
  for await (const page of listPages(store, options)) {
    all.keys.push(...page.keys);
    all.prefixes.push(...page.prefixes);
  }
  return all;
}

/** The pages of a listing, one after another. */
export async function* listPages(
  store: ObjectStore,
  options: { prefix: string; delimiter?: "/"; after?: string },
): AsyncGenerator<ObjectPage> {
  let page: ObjectPage | undefined;
  do {
    page = await store.list(page?.next === undefined ? options : { ...options, after: page.next });
    yield page;
  } while (page.next !== undefined);
}
