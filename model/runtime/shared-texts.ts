// Texts of one pass that come out the same are computed once: those of one tenant, of the same tokens, under one
// adapter or under several that change nothing in the encoder. Never across tenants: how long a pass takes would tell
// one tenant of another's text.
import type { BatchItem } from "./batch-feeds.ts";

export interface SharedTexts<Item> {
  /** The first of each kind, in order. */
  readonly computed: readonly Item[];
  /** Of each item, the index of the one that is computed for it. */
  readonly indexOf: readonly number[];
}

export function shareTexts<Item extends BatchItem & { readonly tenant: string }>(
  items: readonly Item[],
): SharedTexts<Item> {
  const computed: Item[] = [];
  const known = new Map<string, number>();
  const adapters = new Map<Item["resident"], number>();
  const indexOf = items.map((item) => {
    const { tenant, encoding, resident } = item;
    const changesNothing = resident.adapter.insertions.length === 0;
    if (!changesNothing && !adapters.has(resident)) adapters.set(resident, adapters.size);
    const adapter = changesNothing ? "none" : adapters.get(resident);
    const { tokenIds, typeIds, maskAt } = encoding;
    // The tenant last: it alone may hold any character.
    const key = [adapter, maskAt, tokenIds.join(" "), typeIds.join(""), tenant].join("/");
    const index = known.get(key) ?? computed.push(item) - 1;
    known.set(key, index);
    return index;
  });
  return { computed, indexOf };
}
