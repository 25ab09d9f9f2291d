// A long history as a few of its points.

/** At most `most` (2 or more) items, evenly spaced, the first and the last among them. */
export function sampleEvenly<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  const at = (index: number) => Math.round((index * (items.length - 1)) / (most - 1));
  return Array.from({ length: most }, (_, index) => items[at(index)]).filter((item) => item !== undefined);
}
