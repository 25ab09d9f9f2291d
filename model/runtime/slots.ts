// Numbered places that slabs keep weights at: a freed one is given out again before a new one.

export class Slots<Item> {
  readonly #items: (Item | undefined)[] = [];

  /** Places given out so far, free ones included. */
  get length(): number {
    return this.#items.length;
  }

  add(item: Item): number {
    const free = this.#items.indexOf(undefined);
    const slot = free >= 0 ? free : this.#items.length;
    this.#items[slot] = item;
    return slot;
  }

  /** Undefined where the slot is free. */
  at(slot: number): Item | undefined {
    return this.#items[slot];
  }

  /** Frees a slot. The caller knows that no waiting batch uses it. */
  remove(slot: number): void {
    this.#items[slot] = undefined;
  }

  /** Those in use. */
  taken(): [slot: number, item: Item][] {
    return this.#items.flatMap((item, slot): [number, Item][] => (item === undefined ? [] : [[slot, item]]));
  }
}
