// What a listing means, for the stores that make their own: names ascending by code unit, keys under
// one "prefix…/" taken together when a delimiter is given, and `after` a key or such a group.
import type { ObjectPage } from "./object-store.ts";

export interface ListScope {
  readonly prefix: string;
  readonly delimiter?: "/";
  readonly after?: string;
}

/** The key itself, or the group that stands for it. */
export function nameInList(key: string, { prefix, delimiter }: ListScope): string {
  const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
  return end === -1 ? key : key.slice(0, end + 1);
}

/** Whether a name, or what lies under it when it is a group, comes after where the last page ended. */
export function isAfter(name: string, after: string | undefined): boolean {
  if (after === undefined) return true;
  return name > after && !(after.endsWith("/") && name.startsWith(after));
}

/** Of a name, for stores that list what comes after a key: "~" is greater than any character of a key. */
export function endOf(after: string): string {
  return after.endsWith("/") ? `${after}~` : after;
}

/** names: in order, each once; keys, and groups that end with "/". Read to one more than the limit. */
export async function collectPage(
  names: AsyncIterable<string> | Iterable<string>,
  limit: number,
): Promise<ObjectPage> {
  const taken: string[] = [];
  let hasMore = false;
  for await (const name of names) {
    hasMore = taken.length === limit;
    if (hasMore) break;
    taken.push(name);
  }
  const last = hasMore ? taken.at(-1) : undefined;
  return {
    keys: taken.filter((name) => !name.endsWith("/")),
    prefixes: taken.filter((name) => name.endsWith("/")),
    ...(last !== undefined && { next: last }),
  };
}
